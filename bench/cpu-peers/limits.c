// What this machine can do at most: reading from memory and multiply-adds in registers. limits THREADS [read | peaks | all]
// prints "limit NAME VALUE", medians of five. gcc -O3 -march=native -pthread limits.c
// Reading goes through pages of 2 MiB, by several patterns, of which the fastest counts: one stream a thread as the hardware
// prefetches it reached 35 to 50 GB/s on two Zen 4 cores where four streams with prefetching 1 KiB ahead reached 57. Beside it,
// for comparison, the first pattern through pages of 4 KiB.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { THREADS_MOST = 64, ROUNDS = 5, ACCUMULATORS = 16 };
static const size_t BYTES = (size_t)512 << 20, HUGE_PAGE = (size_t)2 << 20;

typedef struct {
  void (*work)(char *, size_t);
  char *from;
  size_t count;
} Job;

static volatile float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

// One stream by itself, or with what lies so many bytes ahead fetched to the second-level cache.
#define READ(name, STREAMS, FETCH)                                                                       \
  static void name(char *from, size_t bytes) {                                                           \
    __m512 sums[8];                                                                                      \
    size_t each = bytes / STREAMS;                                                                       \
    for (int i = 0; i < 8; i++) sums[i] = _mm512_setzero_ps();                                           \
    for (size_t at = 0; at < each; at += 256)                                                            \
      _Pragma("GCC unroll 8") for (int s = 0; s < STREAMS; s++) {                                        \
        char *p = from + s * each + at;                                                                  \
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {                                            \
          FETCH;                                                                                         \
          sums[s % 2 * 4 + i] = _mm512_add_ps(sums[s % 2 * 4 + i], _mm512_load_ps(p + 64 * i));          \
        }                                                                                                \
      }                                                                                                  \
    for (int i = 1; i < 8; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);                               \
    sink = _mm512_reduce_add_ps(sums[0]);                                                                \
  }

READ(read_plain, 1, (void)0)
READ(read_one, 1, _mm_prefetch(p + 2048 + 64 * i, _MM_HINT_T1))
READ(read_two, 2, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T0))
READ(read_four, 4, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T1))
READ(read_eight, 8, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T1))

#define PEAK(name, type, init, step, reduce)                            \
  static void name(char *unused, size_t count) {                        \
    (void)unused;                                                       \
    type a[ACCUMULATORS];                                               \
    for (int i = 0; i < ACCUMULATORS; i++) a[i] = init;                 \
    for (size_t n = 0; n < count; n++) {                                \
      _Pragma("GCC unroll 16") for (int i = 0; i < ACCUMULATORS; i++) { \
        a[i] = step;                                                    \
        __asm__("" : "+v"(a[i]));                                       \
      }                                                                 \
    }                                                                   \
    float sum = 0;                                                      \
    for (int i = 0; i < ACCUMULATORS; i++) sum += reduce;               \
    sink = sum;                                                         \
  }

PEAK(fma_f32, __m512, _mm512_set1_ps(i), _mm512_fmadd_ps(a[i], _mm512_set1_ps(0.9f), _mm512_set1_ps(0.1f)),
     _mm512_reduce_add_ps(a[i]))
#ifdef __AVX512BF16__
PEAK(dot_bf16, __m512, _mm512_set1_ps(i),
     _mm512_dpbf16_ps(a[i], (__m512bh)_mm512_set1_epi16(0x3f00), (__m512bh)_mm512_set1_epi16(0x3c00)),
     _mm512_reduce_add_ps(a[i]))
#endif
#ifdef __AVX512VNNI__
PEAK(dot_int8, __m512i, _mm512_set1_epi32(i),
     _mm512_dpbusd_epi32(a[i], _mm512_set1_epi8(3), _mm512_set1_epi8(1)), _mm512_reduce_add_epi32(a[i]))
#endif

static void *run(void *job) {
  Job *j = job;
  j->work(j->from, j->count);
  return NULL;
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static double measure(int threads, Job job, double amount) {
  double rates[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) {
    pthread_t thread[THREADS_MOST];
    Job jobs[THREADS_MOST];
    double start = now();
    for (int t = 0; t < threads; t++) {
      jobs[t] = job;
      if (job.from) jobs[t].from = job.from + t * job.count;
      pthread_create(&thread[t], NULL, run, &jobs[t]);
    }
    for (int t = 0; t < threads; t++) pthread_join(thread[t], NULL);
    rates[r] = threads * amount / (now() - start) / 1e9;
  }
  qsort(rates, ROUNDS, sizeof *rates, ascending);
  return rates[ROUNDS / 2];
}

// NULL where there is no memory. Prefetches reach a little beyond the end, which faults nothing.
static char *take(int huge, size_t page) {
  char *mapped = mmap(NULL, BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return NULL;
  char *from = (char *)(((uintptr_t)mapped + page - 1) / page * page);
  madvise(from, BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  memset(from, 1, BYTES);
  return from;
}

static int measure_reading(int threads) {
  static void (*const patterns[])(char *, size_t) = {read_plain, read_one, read_two, read_four, read_eight};
  size_t each = BYTES / threads / 4096 * 4096;
  char *from = take(1, HUGE_PAGE);
  if (!from) return 1;
  double best = 0;
  for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
    double rate = measure(threads, (Job){patterns[i], from, each}, each);
    if (rate > best) best = rate;
  }
  printf("limit read-GB/s %.1f\n", best);
  return 0;
}

static int measure_small_pages(int threads) {
  size_t each = BYTES / threads / 4096 * 4096;
  char *from = take(0, HUGE_PAGE);
  if (!from) return 1;
  printf("limit read-small-pages-GB/s %.1f\n", measure(threads, (Job){read_plain, from, each}, each));
  return 0;
}

static void measure_peaks(int threads) {
  size_t n = 20000000;
  printf("limit f32-GFLOP/s %.1f\n", measure(threads, (Job){fma_f32, NULL, n}, n * ACCUMULATORS * 32.0));
#ifdef __AVX512BF16__
  printf("limit bf16-dot-GFLOP/s %.1f\n", measure(threads, (Job){dot_bf16, NULL, n}, n * ACCUMULATORS * 64.0));
#endif
#ifdef __AVX512VNNI__
  printf("limit int8-dot-GOP/s %.1f\n", measure(threads, (Job){dot_int8, NULL, n}, n * ACCUMULATORS * 128.0));
#endif
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  const char *what = argc > 2 ? argv[2] : "all";
  int all = !strcmp(what, "all");
  if (threads < 1 || threads > THREADS_MOST) return 2;
  if ((all || !strcmp(what, "read")) && measure_reading(threads)) return 1;
  if (all && measure_small_pages(threads)) return 1;
  if (all || !strcmp(what, "peaks")) measure_peaks(threads);
  return 0;
}
