// What this machine can do at most: reading through pages of 4 KiB and of 2 MiB, and multiply-adds in registers.
// gcc -O3 -march=native -pthread limits.c; prints "limit NAME VALUE", the median of five on so many threads.
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
static const size_t BYTES = (size_t)512 << 20;

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

static void read_all(char *from, size_t bytes) {
  __m512 sums[8];
  for (int i = 0; i < 8; i++) sums[i] = _mm512_setzero_ps();
  for (char *p = from; p < from + bytes; p += 512)
    for (int i = 0; i < 8; i++) sums[i] = _mm512_add_ps(sums[i], _mm512_load_ps(p + 64 * i));
  for (int i = 1; i < 8; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  sink = _mm512_reduce_add_ps(sums[0]);
}

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

static void measure(const char *name, int threads, Job job, double amount) {
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
  printf("limit %s %.1f\n", name, rates[ROUNDS / 2]);
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > THREADS_MOST) return 2;
  for (int huge = 0; huge < 2; huge++) {
    size_t page = (size_t)2 << 20;
    char *mapped = mmap(NULL, BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return 1;
    char *from = (char *)(((uintptr_t)mapped + page - 1) / page * page);
    madvise(from, BYTES, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    memset(from, 1, BYTES);
    size_t each = BYTES / threads / 512 * 512;
    measure(huge ? "read-huge-pages-GB/s" : "read-GB/s", threads, (Job){read_all, from, each}, each);
    munmap(mapped, BYTES + page);
  }
  size_t n = 20000000;
  measure("f32-GFLOP/s", threads, (Job){fma_f32, NULL, n}, n * ACCUMULATORS * 32.0);
#ifdef __AVX512BF16__
  measure("bf16-dot-GFLOP/s", threads, (Job){dot_bf16, NULL, n}, n * ACCUMULATORS * 64.0);
#endif
#ifdef __AVX512VNNI__
  measure("int8-dot-GOP/s", threads, (Job){dot_int8, NULL, n}, n * ACCUMULATORS * 128.0);
#endif
  return 0;
}
