#include "loadgen/experiment/saving.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double saving_measured_ms(const struct window_result *faulty, const struct window_result *healthy)
{
    uint64_t flows =
        faulty->flows_due < healthy->flows_due ? faulty->flows_due : healthy->flows_due;
    if (flows == 0 || !faulty->latency_by_flow_ns || !healthy->latency_by_flow_ns)
        return 0;
    double *differences = calloc(flows, sizeof *differences);
    if (!differences)
        return 0;
    size_t count = 0;
    for (uint64_t flow = 0; flow < flows; flow++) {
        uint64_t with = faulty->latency_by_flow_ns[flow];
        uint64_t without = healthy->latency_by_flow_ns[flow];
        if (with != 0 && without != 0)
            differences[count++] = ((double)with - (double)without) / 1e6;
    }
    qsort(differences, count, sizeof *differences, compare);
    double median = 0;
    if (count > 0)
        median = (differences[(count - 1) / 2] + differences[count / 2]) / 2;
    free(differences);
    return median;
}
