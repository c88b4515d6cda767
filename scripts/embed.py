#!/usr/bin/env python3
"""Writes a C table of files: embed.py OUT KIND NAME PATH [KIND NAME PATH ...]"""
import sys

out, rest = sys.argv[1], sys.argv[2:]
with open(out, "w", encoding="utf-8") as c:
    c.write('/* made by scripts/embed.py */\n#include "script/embedded.h"\n')
    rows = []
    for i in range(0, len(rest), 3):
        kind, name, path = rest[i : i + 3]
        data = open(path, "rb").read()
        c.write(f"static const char file_{i}[] = {{")
        c.write(",".join(str(b if b < 128 else b - 256) for b in data + b"\0"))
        c.write("};\n")
        rows.append(f'  {{"{kind}", "{name}", file_{i}, sizeof(file_{i}) - 1}},\n')
    c.write("const struct sp_embedded sp_embedded_files[] = {\n" + "".join(rows) + "  {NULL, NULL, NULL, 0}};\n")
