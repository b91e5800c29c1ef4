#include "loadgen/live/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/rows.h"

enum { STEPS = 3 };

/* A run of 12 of 30 seconds: 100 requests a second, and some of them failed. */
static struct live *make(bool has_steps, bool has_failures, unsigned late_ms)
{
    static struct load_figures figures;
    struct live *live = malloc(sizeof(*live));
    assert_true(load_figures_init(&figures, STEPS));
    live_init(live, "load", "http://127.0.0.1:8080/products");
    for (uint64_t ms = 0; ms <= 12000; ms += 250) {
        for (unsigned i = 0; i < 25 && ms > 0; i++) {
            const struct load_sample sample = {
                .outcome = has_failures && i == STEPS - 1 ? LOAD_TIMEOUT : LOAD_OK,
                .censored = has_failures && i == STEPS - 1,
                .step = (uint16_t)(has_steps ? i % STEPS : 0),
                .due_ns = 1,
                .seen_ns = 1 + 20000 + late_ms * NS_PER_MS,
                .sent_ns = 1 + 20000 + late_ms * NS_PER_MS,
                .done_ns = 1 + ((ms == 6000 ? 50 : 5) + late_ms) * NS_PER_MS,
            };
            load_figures_add(&figures, &sample);
        }
        live_look(live, &(struct live_counts){
                            .elapsed_ms = ms,
                            .duration_ms = 30000,
                            .due = ms / 10 + 4,
                            .done = ms / 10,
                            .failed = has_failures ? ms / 250 : 0,
                            .in_flight = 4,
                            .wanted_rate = 100,
                            .figures = &figures,
                            .latency_step = LOAD_ALL_STEPS,
                        });
    }
    return live;
}

static const char *step_name(const void *context, size_t step)
{
    static const char *const names[STEPS] = {"log in", "fill the cart", "check out"};
    (void)context;
    return names[step];
}

/* Takes the figures out of the one static place that `make` filled. */
static void release(struct live *live)
{
    struct load_figures figures = *live->last.figures;
    load_figures_release(&figures);
    free(live);
}

struct row {
    const char *it;
    struct terminal_style style;
    bool has_steps, has_failures;
    const char *shown; /* all lines, each with its end */
};

static const struct row rows[] = {
    {"it shows all of it on 80 columns",
     {.redraws = true, .is_utf8 = true, .columns = 80, .rows = 24},
     false,
     false,
     "load http://127.0.0.1:8080/products\n"
     "████████████████························  12 of 30 s, 18 s left\n"
     "rate      ██████████████████████████████████████████ 100.0/s of 100/s wanted\n"
     "p99       ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ up to 49.8 ms\n"
     "requests  1204 due  1200 answered  0 failed  4 in flight\n"
     "latency         p50      p90      p99      max\n"
     " so far     5.01 ms  5.01 ms  50.0 ms  50.0 ms\n"
     " last 5 s   5.05 ms  5.05 ms  5.05 ms  5.05 ms\n"
     "generator late by 0.02 ms at p99\n"},
    {"it draws with ASCII where the terminal speaks no UTF-8",
     {.redraws = true, .columns = 80, .rows = 24},
     false,
     false,
     "load http://127.0.0.1:8080/products\n"
     "################------------------------  12 of 30 s, 18 s left\n"
     "rate      ########################################## 100.0/s of 100/s wanted\n"
     "p99       _________________#________________________ up to 49.8 ms\n"
     "requests  1204 due  1200 answered  0 failed  4 in flight\n"
     "latency         p50      p90      p99      max\n"
     " so far     5.01 ms  5.01 ms  50.0 ms  50.0 ms\n"
     " last 5 s   5.05 ms  5.05 ms  5.05 ms  5.05 ms\n"
     "generator late by 0.02 ms at p99\n"},
    {"it names the errors, and puts unknown latencies above the others",
     {.redraws = true, .columns = 60, .rows = 24},
     false,
     true,
     "load http://127.0.0.1:8080/products\n"
     "############-------------------  12 of 30 s, 18 s left\n"
     "rate      ###################### 100.0/s of 100/s wanted\n"
     "p99       ###################### up to 5.05 ms\n"
     "requests  1204 due  1152 answered  48 failed  4 in flight\n"
     "errors    48 timed out\n"
     "latency         p50      p90      p99      max\n"
     " so far     5.01 ms  5.01 ms >50.0 ms >50.0 ms\n"
     " last 5 s   5.05 ms  5.05 ms >5.05 ms >5.05 ms\n"
     "generator late by 0.02 ms at p99\n"},
    {"it fits into 40 columns",
     {.redraws = true, .columns = 40, .rows = 24},
     false,
     true,
     "load http://127.0.0.1:8080/products\n"
     "####-------  12 of 30 s, 18 s left\n"
     "rate      ###### 100.0/s of 100/s\n"
     "p99       ###### up to 5.05 ms\n"
     "requests  1204 due  1152 answered\n"
     "          48 failed  4 in flight\n"
     "errors    48 timed out\n"
     "latency         p50      p99      max\n"
     " so far     5.01 ms >50.0 ms >50.0 ms\n"
     " last 5 s   5.05 ms >5.05 ms >5.05 ms\n"
     "generator late by 0.02 ms at p99\n"},
    {"it shows the steps where there is room",
     {.redraws = true, .columns = 80, .rows = 24},
     true,
     false,
     "load http://127.0.0.1:8080/products\n"
     "################------------------------  12 of 30 s, 18 s left\n"
     "rate      ########################################## 100.0/s of 100/s wanted\n"
     "p99       _________________#________________________ up to 49.8 ms\n"
     "flows     1204 due  1200 done  0 failed  4 in flight\n"
     "latency         p50      p90      p99      max\n"
     " so far     5.01 ms  5.01 ms  50.0 ms  50.0 ms\n"
     " last 5 s   5.05 ms  5.05 ms  5.05 ms  5.05 ms\n"
     "generator late by 0.02 ms at p99\n"
     "step                           requests   failed      p99      max\n"
     "log in                              432        0  50.0 ms  50.0 ms\n"
     "fill the cart                       384        0  50.0 ms  50.0 ms\n"
     "check out                           384        0  50.0 ms  50.0 ms\n"},
    {"it says how many steps there was no room for",
     {.redraws = true, .columns = 40, .rows = 14},
     true,
     false,
     "load http://127.0.0.1:8080/products\n"
     "####-------  12 of 30 s, 18 s left\n"
     "rate      ###### 100.0/s of 100/s\n"
     "p99       ###### up to 5.05 ms\n"
     "flows     1204 due  1200 done  0 failed\n"
     "          4 in flight\n"
     "latency         p50      p99      max\n"
     " so far     5.01 ms  50.0 ms  50.0 ms\n"
     " last 5 s   5.05 ms  5.05 ms  5.05 ms\n"
     "generator late by 0.02 ms at p99\n"
     "step         requests   failed      p99\n"
     "log in            432        0  50.0 ms\n"
     "          and 2 more with less trouble\n"},
    {"it shows the step that fails where there is room for one",
     {.redraws = true, .columns = 40, .rows = 15},
     true,
     true,
     "load http://127.0.0.1:8080/products\n"
     "####-------  12 of 30 s, 18 s left\n"
     "rate      ###### 100.0/s of 100/s\n"
     "p99       ###### up to 5.05 ms\n"
     "flows     1204 due  1200 done\n"
     "          48 failed  4 in flight\n"
     "errors    48 timed out\n"
     "latency         p50      p99      max\n"
     " so far     5.01 ms >50.0 ms >50.0 ms\n"
     " last 5 s   5.05 ms >5.05 ms >5.05 ms\n"
     "generator late by 0.02 ms at p99\n"
     "step         requests   failed      p99\n"
     "check out         384       48 >50.0 ms\n"
     "          and 2 more with less trouble\n"},
    {"it cuts what is higher than the window",
     {.redraws = true, .columns = 80, .rows = 4},
     true,
     false,
     "load http://127.0.0.1:8080/products\n"
     "################------------------------  12 of 30 s, 18 s left\n"
     "rate      ########################################## 100.0/s of 100/s wanted\n"},
};

static void draw(const struct row *row, char *out, size_t size)
{
    static struct terminal_line lines[LIVE_LINES_MAX];
    struct live *live = make(row->has_steps, row->has_failures, 0);
    live->last.step_name = row->has_steps ? step_name : NULL;
    size_t count = live_block(live, &row->style, lines, LIVE_LINES_MAX), length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(out + length, size - length, "%s\n", lines[i].text);
    release(live);
}

static void check_row(void **state)
{
    const struct row *row = *state;
    char shown[8192];
    draw(row, shown, sizeof(shown));
    assert_string_equal(shown, row->shown);
}

/* Eight users, and a generator that was late by more than a tenth of what it measured. */
static void check_users(void **state)
{
    (void)state;
    static const struct terminal_style style = {.redraws = true, .columns = 80, .rows = 24};
    static struct terminal_line lines[LIVE_LINES_MAX];
    struct live *live = make(false, false, 6);
    live->last.users = 8;
    assert_int_equal(live_block(live, &style, lines, LIVE_LINES_MAX), 9);
    assert_non_null(strstr(lines[2].text, " 100.0/s by 8 users"));
    assert_null(strstr(lines[2].text, "wanted"));
    assert_string_equal(lines[8].text,
                        "generator late by 6.02 ms at p99  do not trust the latencies");
    release(live);
}

/* Without its colours, a block is the block without colours; and no line wraps. */
struct width_row {
    const char *it;
    bool is_utf8, has_steps, has_failures;
};

static const struct width_row width_rows[] = {
    {"it never wraps, and colours change no column", false, false, false},
    {"it never wraps with failures", false, false, true},
    {"it never wraps in UTF-8 with steps and failures", true, true, true},
};

static void strip(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (*from != '\x1b') {
            *to++ = *from++;
            continue;
        }
        from = strchr(from, 'm');
        assert_non_null(from);
        from++;
    }
    *to = '\0';
}

static size_t widest(const char *text)
{
    size_t width = 0, most = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xc0) != 0x80);
        most = width > most ? width : most;
    }
    return most;
}

static void check_widths(void **state)
{
    const struct width_row *row = *state;
    char plain[16384], coloured[16384];
    for (unsigned columns = 1; columns <= 200; columns += columns < 50 ? 1 : 13) {
        struct row drawn = {
            .style = {.redraws = true, .is_utf8 = row->is_utf8, .columns = columns, .rows = 40},
            .has_steps = row->has_steps,
            .has_failures = row->has_failures};
        draw(&drawn, plain, sizeof(plain));
        assert_null(strchr(plain, '\x1b'));
        assert_in_range(widest(plain), 0, columns - 1);
        drawn.style.colours = true;
        draw(&drawn, coloured, sizeof(coloured));
        assert_true(columns < 20 || strstr(coloured, "\x1b[1m") != NULL);
        strip(coloured);
        assert_string_equal(coloured, plain);
    }
}

int main(void)
{
    struct rows all = {0};
    ROWS(&all, rows, check_row);
    rows_one(&all, "it says how many users there are, and when the generator is late", check_users);
    ROWS(&all, width_rows, check_widths);
    return rows_run("live", &all);
}
