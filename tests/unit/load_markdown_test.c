#include "loadgen/report/load_markdown.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

struct text_row {
    const char *it;
    const char *value, *shown;
};

static const struct text_row text_rows[] = {
    {"it leaves plain words alone", "GET /of/{id}", "GET /of/{id}"},
    {"it escapes what ends a table's cell", "a|b", "a\\|b"},
    {"it escapes code", "`x`", "\\`x\\`"},
    {"it escapes emphasis, links and headings", "*a* _b_ [c]#!", "\\*a\\* \\_b\\_ \\[c\\]\\#\\!"},
    {"it escapes an escape", "a\\|b", "a\\\\\\|b"},
    {"it shows markup as text", "<b>&amp;", "&#60;b&#62;&#38;amp;"},
    {"it calls nobody", "@all", "&#64;all"},
    {"it stays on one line", "a\n\n# b\r\tc", "a  \\# b  c"},
    {"it leaves other languages alone", "\xc3\xa4\xe2\x86\x92", "\xc3\xa4\xe2\x86\x92"},
    {"it writes nothing of nothing", "", ""},
};

static void check_text(void **state)
{
    const struct text_row *row = *state;
    struct buffer out;
    buffer_init(&out, 1024);
    load_markdown_text(&out, row->value);
    assert_string_equal(buffer_text(&out), row->shown);
    buffer_release(&out);
}

static struct load_document document;

static void fill(void)
{
    struct load_part *part = &document.parts[document.part_count++];
    strcpy(document.name, "shop");
    document.is_trustworthy = true;
    part->elapsed_s = 2;
    part->step_names = calloc(2, sizeof(*part->step_names));
    assert_true(part->step_names != NULL && load_figures_init(&part->figures, 2));
    strcpy(part->step_names[0], "a|b");
    strcpy(part->step_names[1], "buy");
    for (unsigned i = 1; i <= 100; i++)
        for (unsigned step = 0; step < 2; step++) {
            bool is_lost = step == 1 && i > 90;
            struct load_sample sample = {.step = (uint16_t)step,
                                         .outcome = is_lost ? LOAD_TIMEOUT : LOAD_OK,
                                         .censored = is_lost,
                                         .due_ns = 1,
                                         .sent_ns = 1,
                                         .done_ns = 1 + i * NS_PER_MS};
            load_figures_add(&part->figures, &sample);
        }
}

static void add_threshold(bool is_known)
{
    struct load_document_threshold *one = &document.thresholds[document.threshold_count++];
    *one = (struct load_document_threshold){.metric = "p99_ms", .step = "buy", .limit = 50};
    one->is_known = is_known;
    one->value = 99.5;
}

static void free_document(void)
{
    load_figures_release(&document.parts[0].figures);
    free(document.parts[0].step_names);
    memset(&document, 0, sizeof(document));
}

static const struct text_row page_rows[] = {
    {"it begins with the verdict", NULL, "## \xe2\x9d\x8c fail: shop\n\n"},
    {"it has a row for each step", NULL,
     "| a\\|b | 100 | 50.0 | 0 | 50.00 | 90.05 | 98.96 | 100.00 | 100.00 |"},
    {"it says where a percentile is but a lower bound", NULL, "&gt; 100.00 |"},
    {"it marks what failed", NULL, "| buy | 100 | 50.0 | **10** |"},
    {"it has a row for all", NULL, "| all | 200 | 100.0 |"},
    {"it lists what went wrong", NULL, "\n- buy: 10 \xc3\x97 timed out\n"},
    {"it has a row for each threshold", NULL,
     "| p99\\_ms of buy | at most 50 | 99.5 | **broken** |"},
    {"it says where a value is not known", NULL, "| not known: requests without an answer |"},
    {"it warns of a generator that was late", NULL, "**Do not trust these latencies:**"},
    {"it says that it was interrupted", NULL, "\nInterrupted: "},
    {"it says that it was ended early", NULL, "\nEnded early: "},
    {"it says that a part is missing", NULL, "\nNot all workers came to their end"},
    {"it lists what holds", NULL, "| spans: a \\| b | holds | it is 0 |"},
    {"it marks what does not hold", NULL, "| edges | **broken** | it is 3 |"},
    {"it lists findings", NULL, "| n\\_plus\\_one | cart GET \\*  \xe2\x86\x92 sql | 12.5 | 3.0 |"},
};

static void check_page(void **state)
{
    const struct text_row *row = *state;
    struct buffer out;
    fill();
    document.verdict = VERDICT_FAIL;
    add_threshold(true);
    add_threshold(false);
    document.is_trustworthy = false;
    document.is_interrupted = document.is_aborted = document.is_partial = true;
    document.findings[document.finding_count++] = (struct load_document_finding){
        "n_plus_one", "cart", "GET *\n", "sql", .cost_ms = 12.5, .saving_ms = 3};
    document.demands[document.demand_count++] =
        (struct load_document_demand){"spans: a | b", "it is 0", "holds"};
    document.demands[document.demand_count++] =
        (struct load_document_demand){"edges", "it is 3", "broken"};
    buffer_init(&out, 65536);
    load_markdown_write(&document, &out);
    if (strstr(buffer_text(&out), row->shown) == NULL)
        fail_msg("not in it: %s\n%s", row->shown, buffer_text(&out));
    buffer_release(&out);
    free_document();
}

int main(void)
{
    static struct rows all;
    ROWS(&all, text_rows, check_text);
    ROWS(&all, page_rows, check_page);
    return rows_run("load_markdown", &all);
}
