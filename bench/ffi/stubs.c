// The driver's functions that a replayed step calls, as they would be if they cost nothing: what is left is the way there and back.
int cuGraphLaunch(void *graph, void *stream) { return 0; }
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, unsigned long bytes, void *stream) { return 0; }
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, unsigned long bytes, void *stream) { return 0; }
int cuEventRecord(void *event, void *stream) { return 0; }
int cuEventSynchronize(void *event) { return 0; }
int cuEventElapsedTime_v2(float *millis, void *start, void *end) { return 0; }
int cuLaunchKernelEx(const void *config, void *function, void **parameters, void **extra) { return 0; }
