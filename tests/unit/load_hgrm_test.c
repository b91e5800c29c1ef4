#include "loadgen/report/load_hgrm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/unit/rows.h"

struct row {
    const char *it;
    unsigned answered, censored; /* 1, 2, 3, ... ms; the censored go on from there */
    const char *words;           /* in the text */
};

static const struct row rows[] = {
    {"it begins with the heads of its columns", 1, 0,
     "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"},
    {"it begins at the lowest value", 100, 0, "0.000000000000          1           1.00\n"},
    {"it gives the median", 100, 0, "0.500000000000         50           2.00\n"},
    {"it has five rows for each halving", 100, 0, "0.550000000000         55           2.22\n"},
    {"it ends with the highest value", 100, 0, "  100.000000 1.000000000000        100\n#[Mean"},
    {"it gives mean and deviation", 100, 0,
     "#[Mean    =       50.500, StdDeviation   =       28.866]\n"},
    {"it gives highest and count", 100, 0,
     "#[Max     =      100.000, Total count    =          100]\n"},
    {"it says how its buckets are", 1, 0,
     "#[Buckets =           32, SubBuckets     =          512]\n"},
    {"it puts those of unknown latency at the end", 90, 10,
     "0.900000000000         90          10.00\n"},
    {"it counts them with the longest wait", 90, 10,
     "  100.000000 1.000000000000        100\n#[Mean    =       50.950,"},
    {"it is whole where nothing was answered", 0, 2,
     "\n\n    2.000000 1.000000000000          2\n"},
    {"it is whole where nothing was sent", 0, 0, "\n\n    0.000000 1.000000000000          0\n#"},
};

static void check_row(void **state)
{
    const struct row *row = *state;
    struct load_step_figures *step = calloc(1, sizeof(*step));
    struct buffer out;
    assert_non_null(step);
    for (unsigned i = 1; i <= row->answered; i++)
        histogram_add(&step->latency, i * NS_PER_MS);
    step->censored = row->censored;
    step->censored_max_ns = row->censored ? (row->answered + row->censored) * NS_PER_MS : 0;
    buffer_init(&out, 65536);
    load_hgrm_write(step, &out);
    if (strstr(buffer_text(&out), row->words) == NULL)
        fail_msg("not in it: %s\n%s", row->words, buffer_text(&out));
    buffer_release(&out);
    free(step);
}

int main(void)
{
    static struct rows all;
    ROWS(&all, rows, check_row);
    return rows_run("load_hgrm", &all);
}
