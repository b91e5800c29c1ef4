#include "http/service_metrics.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/db.h"
#include "http/queue.h"
#include "http/tracing_metrics.h"

#define WRITE_ROWS(text, rows) metrics_text_rows((text), (rows), sizeof(rows) / sizeof((rows)[0]))

static void write_queue(const struct service_control *control, const struct metrics_text *text)
{
    struct queue_stats stats;
    struct queue *queue = control->parts->queue;
    if (!queue || !control->topic || queue_stats(queue, control->topic, &stats) != STATUS_OK)
        return;
    static const char messages[] = "culprit_queue_messages";
    const struct metrics_row rows[] = {
        {messages, METRICS_GAUGE, "state=\"waiting\"", stats.waiting, "Messages in the queue."},
        {messages, METRICS_GAUGE, "state=\"in_hand\"", stats.in_hand, NULL},
        {messages, METRICS_GAUGE, "state=\"parked\"", stats.parked, NULL},
        {"culprit_queue_done_total", METRICS_COUNTER, "", stats.done,
         "Messages that were handled."},
    };
    WRITE_ROWS(text, rows);
}

static void write_database(const struct service_control *control, const struct metrics_text *text)
{
    if (!control->parts->db)
        return;
    struct db_stats stats = db_stats(control->parts->db);
    const struct metrics_row rows[] = {
        {"culprit_database_statements_total", METRICS_COUNTER, "", stats.statements,
         "Statements that were run."},
        {"culprit_database_failed_statements_total", METRICS_COUNTER, "", stats.failed_statements,
         "Statements that failed."},
        {"culprit_database_commits_total", METRICS_COUNTER, "", stats.commits,
         "Transactions that were committed."},
        {"culprit_database_writer_timeouts_total", METRICS_COUNTER, "", stats.writer_timeouts,
         "Waits for the writer's place that were given up."},
    };
    WRITE_ROWS(text, rows);
}

/* The second word of statm is pages; 0 where the kernel does not say. */
static uint64_t resident_bytes(void)
{
    char line[128] = "";
    uint64_t pages = 0;
    long page_bytes = sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    struct text rest = text_of(fgets(line, sizeof line, file));
    fclose(file);
    text_split(&rest, ' ');
    if (rest.data == NULL || text_to_u64(text_split(&rest, ' '), &pages) != STATUS_OK)
        return 0;
    return page_bytes > 0 ? pages * (uint64_t)page_bytes : 0;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void write_process(const struct service_control *control, const struct metrics_text *text)
{
    struct rusage usage = {0};
    struct rlimit files = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &files);
    const struct metrics_row rows[] = {
        {"process_resident_memory_bytes", METRICS_GAUGE, "", resident_bytes(), "Resident memory."},
        {"process_max_fds", METRICS_GAUGE, "", files.rlim_cur, "Descriptors at most."},
    };
    WRITE_ROWS(text, rows);
    metrics_text_family(text, "process_cpu_seconds_total", METRICS_COUNTER,
                        "CPU time of the process, user and system.");
    metrics_text_seconds(text, "process_cpu_seconds_total",
                         seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    metrics_text_family(text, "process_start_time_seconds", METRICS_GAUGE,
                        "Unix time of the start.");
    metrics_text_seconds(text, "process_start_time_seconds", (double)control->start_wall_ns / 1e9);
}

void service_metrics_write(struct service_control *control, const struct metrics_text *text)
{
    struct server *server = atomic_load(&control->server);
    if (server)
        server_write_metrics(&server, 1, text);
    tracing_metrics_write(text);
    write_queue(control, text);
    write_database(control, text);
    write_process(control, text);
    metrics_text_end(text);
}
