/* A test harness of our own: no framework to install, one line for each test, and helpers that the scenarios share.
 *
 * A scenario is a function without arguments. CHECK notes a failure and goes on; REQUIRE notes it and returns from the scenario
 * (handles left behind then are of no interest: the program fails anyway). */
#ifndef MT_TEST_HARNESS_H
#define MT_TEST_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mt_transcode/mt_transcode.h"

struct test_case {
  const char *name;
  void (*run)(void);
};

/* One list a file of scenarios; each ends with an empty entry. */
extern const struct test_case basic_tests[];
extern const struct test_case event_tests[];
extern const struct test_case error_tests[];
extern const struct test_case handle_tests[];
extern const struct test_case lifecycle_tests[];
extern const struct test_case engine_tests[];
extern const struct test_case pipe_tests[];
extern const struct test_case pipe_misuse_tests[];
extern const struct test_case pipe_thread_tests[];
extern const struct test_case pipe_ready_tests[];
extern const struct test_case flow_tests[];
extern const struct test_case bind_tests[];
extern const struct test_case limit_tests[];
extern const struct test_case io_tests[];
extern const struct test_case format_tests[];
extern const struct test_case store_tests[];
extern const struct test_case edge_tests[];
extern const struct test_case memory_tests[];
extern const struct test_case profiling_tests[];
extern const struct test_case live_tests[];

/* Notes that the running test failed, and prints where; returns false. */
bool test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool test_equal(const char *file, int line, const char *what, long long actual, long long expected);
bool test_contains(const char *file, int line, const char *what, const char *text, const char *part);

#define CHECK(condition) ((condition) ? true : (test_fail(__FILE__, __LINE__, "%s", #condition), false))
#define CHECK_EQUAL(actual, expected) test_equal(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))
#define CHECK_CONTAINS(text, part) test_contains(__FILE__, __LINE__, #text, text, part)
#define REQUIRE(condition) \
  do {                     \
    if (!CHECK(condition)) return; \
  } while (0)
#define REQUIRE_EQUAL(actual, expected) \
  do {                                  \
    if (!CHECK_EQUAL(actual, expected)) return; \
  } while (0)

/* How long a wait may last before it counts as a failure. Generous, since it is only reached when something is broken;
 * ten times as long where MT_TEST_SLOW is set (valgrind). */
int64_t patience_ms(void);

/* Asks `condition` again and again until it holds; false when patience is over. */
bool eventually(bool (*condition)(void *), void *context);

/* A path in this run's own temporary folder, which is removed at the end. */
struct path {
  char text[512];
};
struct path temporary(const char *name);

/* Whether the process can be looked at: how many entries a folder of /proc/self has. */
int count_entries(const char *folder);

#endif
