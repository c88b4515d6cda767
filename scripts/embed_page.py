#!/usr/bin/env python3
"""Writes the web page as C, plain and gzip'ed, with the policy that lets only its own scripts run: embed_page.py OUT HTML"""
import base64
import gzip
import hashlib
import re
import sys


def array(name, data):
    return f"static const char {name}[] = {{" + ",".join(str(b if b < 128 else b - 256) for b in data) + "};\n"


def policy(html):
    scripts = re.findall(rb"<script\b(?![^>]*type=[\"']?application/json)[^>]*>(.*?)</script>", html, re.S)
    hashes = ["'sha256-" + base64.b64encode(hashlib.sha256(text).digest()).decode() + "'" for text in scripts]
    return ("default-src 'none'; script-src " + (" ".join(hashes) or "'none'") + "; style-src 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'")


def data_at(html):
    slot = re.search(rb"<script type=[\"']?application/json[\"']? id=[\"']?page-data[\"']?>", html)
    return slot.end()


out, source = sys.argv[1:3]
page = open(source, "rb").read()
packed = gzip.compress(page, 9, mtime=0)
with open(out, "w", encoding="utf-8") as c:
    c.write('/* made by scripts/embed_page.py */\n#include "report/page_html.h"\n')
    c.write(array("html", page) + array("packed", packed))
    c.write(f"const struct sp_page_html sp_page_html = {{html, sizeof(html), {data_at(page)}, packed, sizeof(packed),\n"
            f'  "{policy(page)}"}};\n')
