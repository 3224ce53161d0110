# tentc. `make help` lists what can be run by name.
CC ?= gcc
B ?= build/debug
MODE ?= -O1 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2 -Werror
CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. $(WARN) $(MODE) $(SAN) -MMD -MP
LDLIBS := -lyaml -lmbedcrypto -ljansson

LIB_SRC := $(sort $(wildcard compiler/*/*.c))
CLI_SRC := $(sort $(wildcard cli/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
LIB := $(B)/libtentc.a

all: $(B)/tentc

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(LIB): $(LIB_SRC:%.c=$(B)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/tentc: $(CLI_SRC:%.c=$(B)/%.o) $(LIB)
	$(CC) $(SAN) -o $@ $^ $(LDLIBS)

# One program per unit test file.
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(LIB)
	$(CC) $(SAN) -o $@ $^ $(LDLIBS) -lcmocka

check-unit: $(UNIT_SRC:%.c=$(B)/%)
	@for t in $^; do $$t || exit 1; done

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all check-unit
