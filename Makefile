# Two commands do everything on a fresh Debian 12: `make demo` and `make test`. The packages that they need are
# listed in scripts/packages and installed by scripts/install.

BUILD ?= build
JOBS  ?= $(shell nproc)

.PHONY: all demo test test-real bench fuzz lint clean install-build install-test install-bench

# The program itself is built for speed and by itself; scripts/test makes builds of its own for the tests.
all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet src/spate bench/floor bench/tls_floor bench/target

$(BUILD)/build.ninja: | install-build
	@meson setup $(BUILD) -Dbuildtype=release -Db_lto=true >/dev/null

demo: install-build all
	@$(BUILD)/src/spate demo

test: install-build install-test
	@scripts/test

# Of it, what runs beside real servers (PostgreSQL, Prometheus, nginx …).
test-real: install-build install-test
	@BUILDS=real scripts/test

bench: install-build install-bench all
	@bench/run

fuzz: install-build install-test
	@scripts/fuzz

lint:
	@scripts/check-layers
	@scripts/check-size

install-build:
	@scripts/install build
install-test:
	@scripts/install test
install-bench:
	@scripts/install bench

clean:
	rm -rf $(BUILD) build-*
