// What this machine can do at most: reading from memory and multiply-adds in registers. limits THREADS [read | peaks | exchange | all]
// prints "limit NAME VALUE", medians of five. gcc -O3 -march=native -pthread limits.c
// Reading goes through pages of 2 MiB, by several patterns, of which the fastest counts: one stream a thread as the hardware
// prefetches it reached 35 to 50 GB/s on two Zen 4 cores where four streams with prefetching 1 KiB ahead reached 57. Beside it,
// for comparison, the first pattern through pages of 4 KiB. Exchange: what two threads take turns at, in ns per cache line: one writes
// what the other has read, the other reads what was written. It says whether two processors share a third-level cache, which
// a virtual machine's may do now and not a second later.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
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
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;                                                 \
    size_t each = bytes / STREAMS;                                                                       \
    for (size_t at = 0; at < each; at += 256)                                                            \
      _Pragma("GCC unroll 8") for (int s = 0; s < STREAMS; s++) {                                        \
        char *p = from + s * each + at;                                                                  \
        _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {                                            \
          FETCH;                                                                                         \
        }                                                                                                \
        a = _mm512_add_ps(a, _mm512_load_ps(p));                                                         \
        b = _mm512_add_ps(b, _mm512_load_ps(p + 64));                                                    \
        c = _mm512_add_ps(c, _mm512_load_ps(p + 128));                                                   \
        d = _mm512_add_ps(d, _mm512_load_ps(p + 192));                                                   \
      }                                                                                                  \
    sink = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));                \
  }

READ(read_plain, 1, (void)0)
READ(read_one, 1, _mm_prefetch(p + 2048 + 64 * i, _MM_HINT_T1))
READ(read_two, 2, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T0))
READ(read_four, 4, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T1))
READ(read_eight, 8, _mm_prefetch(p + 1024 + 64 * i, _MM_HINT_T1))

// Accumulators are variables of their own: in an array gcc keeps them on the stack, and a third of the peak is measured.
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)
#define DECLARE_F32(i) __m512 a##i = _mm512_set1_ps(i);
#define DECLARE_INT(i) __m512i a##i = _mm512_set1_epi32(i);
#define SUM_F32(i) sum += _mm512_reduce_add_ps(a##i);
#define SUM_INT(i) sum += _mm512_reduce_add_epi32(a##i);
#define KEEP(i) __asm__ volatile("" : "+v"(a##i));

#define PEAK(name, DECLARE, STEP, SUM)        \
  static void name(char *unused, size_t count) { \
    (void)unused;                             \
    EACH(DECLARE)                             \
    for (size_t n = 0; n < count; n++) {      \
      EACH(STEP)                              \
    }                                         \
    float sum = 0;                            \
    EACH(SUM)                                 \
    sink = sum;                               \
  }

#define FMA_F32(i) a##i = _mm512_fmadd_ps(a##i, _mm512_set1_ps(0.9f), _mm512_set1_ps(0.1f)); KEEP(i)
PEAK(fma_f32, DECLARE_F32, FMA_F32, SUM_F32)
#ifdef __AVX512BF16__
#define DOT_BF16(i) \
  a##i = _mm512_dpbf16_ps(a##i, (__m512bh)_mm512_set1_epi16(0x3f00), (__m512bh)_mm512_set1_epi16(0x3c00)); KEEP(i)
PEAK(dot_bf16, DECLARE_F32, DOT_BF16, SUM_F32)
#endif
#ifdef __AVX512VNNI__
#define DOT_INT8(i) a##i = _mm512_dpbusd_epi32(a##i, _mm512_set1_epi8(3), _mm512_set1_epi8(1)); KEEP(i)
PEAK(dot_int8, DECLARE_INT, DOT_INT8, SUM_INT)
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

enum { LINES = 640, TURNS = 2000 };
static char *exchanged;
static atomic_int written, seen;

static void *read_what_is_written(void *unused) {
  for (int turn = 1; turn <= TURNS; turn++) {
    while (atomic_load(&written) != turn) _mm_pause();
    __m512i sum = _mm512_setzero_si512();
    for (int i = 0; i < LINES; i++) sum = _mm512_add_epi32(sum, _mm512_load_si512(exchanged + 64 * i));
    sink = _mm512_reduce_add_epi32(sum);
    atomic_store(&seen, turn);
  }
  return unused;
}

static int measure_exchange(void) {
  static double writing[TURNS], reading[TURNS];
  exchanged = take(1, HUGE_PAGE);
  pthread_t other;
  if (!exchanged || pthread_create(&other, NULL, read_what_is_written, NULL)) return 1;
  for (int turn = 1; turn <= TURNS; turn++) {
    double start = now();
    for (int i = 0; i < LINES; i++) _mm512_store_si512(exchanged + 64 * i, _mm512_set1_epi32(turn + i));
    _mm_mfence();
    double middle = now();
    atomic_store(&written, turn);
    while (atomic_load(&seen) != turn) _mm_pause();
    writing[turn - 1] = (middle - start) / LINES * 1e9;
    reading[turn - 1] = (now() - middle) / LINES * 1e9;
  }
  pthread_join(other, NULL);
  qsort(writing, TURNS, sizeof *writing, ascending);
  qsort(reading, TURNS, sizeof *reading, ascending);
  printf("limit write-line-ns %.1f\nlimit read-line-ns %.1f\n", writing[TURNS / 2], reading[TURNS / 2]);
  return 0;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  const char *what = argc > 2 ? argv[2] : "all";
  int all = !strcmp(what, "all");
  if (threads < 1 || threads > THREADS_MOST) return 2;
  if ((all || !strcmp(what, "read")) && measure_reading(threads)) return 1;
  if (all && measure_small_pages(threads)) return 1;
  if (all || !strcmp(what, "peaks")) measure_peaks(threads);
  if (threads > 1 && (all || !strcmp(what, "exchange")) && measure_exchange()) return 1;
  return 0;
}
