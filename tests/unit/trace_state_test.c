/* A tracestate as a value: looked up, and changed into a new one. Its grammar is tested through
 * header lines in propagation_test.c. */
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "rows.h"
#include "trace/trace_state.h"

enum { SET, DELETE };

struct change {
    const char *it;
    int operation;
    const char *list, *key, *value;
    enum status status;
    const char *expected; /* the new list */
};

#define TEN(a)                                                                                     \
    a "0=1," a "1=1," a "2=1," a "3=1," a "4=1," a "5=1," a "6=1," a "7=1," a "8=1," a "9=1"
#define V50  "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define V200 V50 V50 V50 V50
#define V250 V200 V50

static const struct change changes[] = {
    {"it adds to the empty list", SET, "", "a", "1", STATUS_OK, "a=1"},
    {"it adds in front", SET, "b=2,c=3", "a", "1", STATUS_OK, "a=1,b=2,c=3"},
    {"it moves what it updates to the front", SET, "b=2,a=0,c=3", "a", "1", STATUS_OK,
     "a=1,b=2,c=3"},
    {"it updates the first", SET, "a=0,b=2", "a", "1", STATUS_OK, "a=1,b=2"},
    {"it leaves out white space and empty members", SET, " b=2 ,, c=3\t", "a", "1", STATUS_OK,
     "a=1,b=2,c=3"},
    {"it tells a key from one that begins alike", SET, "ab=2", "a", "1", STATUS_OK, "a=1,ab=2"},
    {"it takes every character of a key", SET, "", "0_-*/@z", "1", STATUS_OK, "0_-*/@z=1"},
    {"it takes a space inside a value", SET, "", "a", " 1 2", STATUS_OK, "a= 1 2"},
    {"it refuses an empty key", SET, "b=2", "", "1", STATUS_INVALID, NULL},
    {"it refuses an upper-case key", SET, "b=2", "A", "1", STATUS_INVALID, NULL},
    {"it refuses a key that starts with @", SET, "b=2", "@a", "1", STATUS_INVALID, NULL},
    {"it refuses = in a key", SET, "b=2", "a=", "1", STATUS_INVALID, NULL},
    {"it refuses an empty value", SET, "b=2", "a", "", STATUS_INVALID, NULL},
    {"it refuses a value ending in a space", SET, "b=2", "a", "1 ", STATUS_INVALID, NULL},
    {"it refuses a comma in a value", SET, "b=2", "a", "1,c=3", STATUS_INVALID, NULL},
    {"it refuses = in a value", SET, "b=2", "a", "1=2", STATUS_INVALID, NULL},
    {"it refuses a line end in a value", SET, "b=2", "a", "1\r\nX-Evil: 1", STATUS_INVALID, NULL},
    {"it refuses a value of 257", SET, "b=2", "a", V250 "1234567", STATUS_INVALID, NULL},
    {"it takes a value of 256", SET, "", "a", V250 "123456", STATUS_OK, "a=" V250 "123456"},
    {"it refuses a key of 257", SET, "b=2", V250 "1234567", "1", STATUS_INVALID, NULL},
    {"it refuses a member that no list can hold", SET, "b=2", V250 "123456", V250 "123456",
     STATUS_TOO_LARGE, NULL},
    {"it takes a member that fills the list, alone", SET, "b=2", V250 "123456", V250 "12345",
     STATUS_OK, V250 "123456=" V250 "12345"},
    {"it refuses to change what is no list", SET, "B=2", "a", "1", STATUS_INVALID, NULL},
    {"it lets the last go when 33 come together", SET,
     TEN("a") "," TEN("b") "," TEN("c") ",x=1,y=1", "n", "1", STATUS_OK,
     "n=1," TEN("a") "," TEN("b") "," TEN("c") ",x=1"},
    {"it lets none go where one of 32 is updated", SET,
     TEN("a") "," TEN("b") "," TEN("c") ",x=1,y=1", "y", "2", STATUS_OK,
     "y=2," TEN("a") "," TEN("b") "," TEN("c") ",x=1"},
    {"it lets long ones go first when it grows too long", SET, "b=2,c=" V200 ",d=4,e=" V200 ",f=6",
     "a", V50 V50, STATUS_OK, "a=" V50 V50 ",b=2,c=" V200 ",d=4,f=6"},
    {"it keeps the new one though it is long", SET, "b=" V50 V50 ",c=" V50 V50 ",d=" V50 V50, "a",
     V250, STATUS_OK, "a=" V250 ",b=" V50 V50 ",c=" V50 V50},

    {"it deletes the first", DELETE, "a=1,b=2", "a", NULL, STATUS_OK, "b=2"},
    {"it deletes the last", DELETE, "a=1,b=2", "b", NULL, STATUS_OK, "a=1"},
    {"it deletes the only one", DELETE, "a=1", "a", NULL, STATUS_OK, ""},
    {"it deletes from the middle", DELETE, "a=1,b=2,c=3", "b", NULL, STATUS_OK, "a=1,c=3"},
    {"it deletes nothing where the key is not", DELETE, "a=1,b=2", "c", NULL, STATUS_OK, "a=1,b=2"},
    {"it deletes nothing from nothing", DELETE, "", "c", NULL, STATUS_OK, ""},
    {"it refuses to delete from what is no list", DELETE, "a", "a", NULL, STATUS_INVALID, NULL},
};

static enum status apply(const struct change *row, struct text list, struct trace_state *out)
{
    if (row->operation == DELETE)
        return trace_state_delete(list, text_of(row->key), out);
    return trace_state_set(list, text_of(row->key), text_of(row->value), out);
}

static void check_change(void **state)
{
    const struct change *row = *state;
    struct guard guard = guard_copy(row->list, strlen(row->list));
    struct trace_state out = {.length_bytes = 3, .text = "old"};
    assert_int_equal(apply(row, (struct text){(char *)guard.bytes, strlen(row->list)}, &out),
                     row->status);
    guard_release(&guard);
    assert_string_equal(out.text, row->expected ? row->expected : "old");
    assert_int_equal(trace_state_list(&out).length, strlen(out.text));
}

/* The same where the old list lies in the value that becomes the new one. */
static void check_change_in_place(void **state)
{
    const struct change *row = *state;
    struct trace_state value = {0};
    if (strlen(row->list) > TRACE_STATE_MAX)
        skip();
    value.length_bytes = (uint16_t)strlen(row->list);
    memcpy(value.text, row->list, value.length_bytes + 1u);
    assert_int_equal(apply(row, trace_state_list(&value), &value), row->status);
    assert_string_equal(value.text, row->expected ? row->expected : row->list);
}

static const struct look_up {
    const char *it, *list, *key, *expected; /* NULL: not there */
} look_ups[] = {
    {"it finds the first", "a=1,b=2", "a", "1"},
    {"it finds the last", "a=1,b=2", "b", "2"},
    {"it finds what white space surrounds", "a=1 , b=2 ", "b", "2"},
    {"it finds the first of two", "a=1,a=2", "a", "1"},
    {"it finds no other key", "ab=1", "a", NULL},
    {"it finds no key in a value", "a=b", "b", NULL},
    {"it finds nothing in nothing", "", "a", NULL},
    {"it finds nothing in what is no list", "a=1,b", "a", NULL},
    {"it finds no empty key", "a=1", "", NULL},
};

static void check_look_up(void **state)
{
    const struct look_up *row = *state;
    struct guard guard = guard_copy(row->list, strlen(row->list));
    struct text value, list = {(char *)guard.bytes, strlen(row->list)};
    bool found = trace_state_get(list, text_of(row->key), &value);
    assert_int_equal(found, row->expected != NULL);
    assert_true(text_is(value, row->expected));
    guard_release(&guard);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, changes, check_change);
    ROWS(&all, changes, check_change_in_place);
    ROWS(&all, look_ups, check_look_up);
    return rows_run("trace_state", &all);
}
