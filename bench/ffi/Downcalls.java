import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a downcall costs by the generated bindings, and by handles of the same shape that make no transition, against functions that
 * do nothing. Medians of rounds in turn; calls are counted so that nothing is optimized away.
 *
 * <p>Usage: see run.sh.
 */
public final class Downcalls {
    private static final int ROUNDS = Integer.getInteger("rounds", 15);
    private static final int CALLS = Integer.getInteger("calls", 2_000_000);

    private static final MemorySegment POINTER = Arena.global().allocate(64);

    private Downcalls() {}

    /** Linked when first touched: by then the library is loaded. */
    private static final class Critical {
        static final MethodHandle GRAPH = critical(cuda_h.cuGraphLaunch$address(), cuda_h.cuGraphLaunch$descriptor());
        static final MethodHandle UPLOAD =
                critical(cuda_h.cuMemcpyHtoDAsync_v2$address(), cuda_h.cuMemcpyHtoDAsync_v2$descriptor());
        static final MethodHandle DOWNLOAD =
                critical(cuda_h.cuMemcpyDtoHAsync_v2$address(), cuda_h.cuMemcpyDtoHAsync_v2$descriptor());
        static final MethodHandle RECORD = critical(cuda_h.cuEventRecord$address(), cuda_h.cuEventRecord$descriptor());
        static final MethodHandle WAIT =
                critical(cuda_h.cuEventSynchronize$address(), cuda_h.cuEventSynchronize$descriptor());
        static final MethodHandle ELAPSED =
                critical(cuda_h.cuEventElapsedTime_v2$address(), cuda_h.cuEventElapsedTime_v2$descriptor());
        static final MethodHandle LAUNCH =
                critical(cuda_h.cuLaunchKernelEx$address(), cuda_h.cuLaunchKernelEx$descriptor());

        private static MethodHandle critical(MemorySegment address, FunctionDescriptor descriptor) {
            return Linker.nativeLinker().downcallHandle(address, descriptor, Linker.Option.critical(false));
        }
    }

    /** A loop of calls; returns the sum of statuses. */
    @FunctionalInterface
    private interface Loop {
        int run(int calls) throws Throwable;
    }

    /** Nanoseconds of a call of each driver function that a step calls: by the bindings, and without a transition. */
    private static Map<String, double[]> measure() throws Throwable {
        Map<String, Loop[]> loops = loops();
        Map<String, double[]> found = new LinkedHashMap<>();
        for (Map.Entry<String, Loop[]> each : loops.entrySet()) {
            double[][] nanos = new double[2][ROUNDS];
            for (int round = -3; round < ROUNDS; round++) {
                for (int way = 0; way < 2; way++) {
                    long begin = System.nanoTime();
                    int status = each.getValue()[way].run(CALLS);
                    double elapsed = (System.nanoTime() - begin) / (double) CALLS;
                    if (status != 0) {
                        throw new IllegalStateException(each.getKey() + " is not a stub: status " + status);
                    }
                    if (round >= 0) {
                        nanos[way][round] = elapsed;
                    }
                }
            }
            found.put(each.getKey(), new double[] {median(nanos[0]), median(nanos[1])});
        }
        return found;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    // Each call stands in a loop of its own, as at its own place in the engine.
    private static Map<String, Loop[]> loops() {
        Map<String, Loop[]> all = new LinkedHashMap<>();
        all.put("cuGraphLaunch", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuGraphLaunch(POINTER, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.GRAPH.invokeExact(POINTER, POINTER);
                }
                return sum;
            }
        });
        all.put("cuMemcpyHtoDAsync_v2", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuMemcpyHtoDAsync_v2(1L, POINTER, 64L, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.UPLOAD.invokeExact(1L, POINTER, 64L, POINTER);
                }
                return sum;
            }
        });
        all.put("cuMemcpyDtoHAsync_v2", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuMemcpyDtoHAsync_v2(POINTER, 1L, 64L, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.DOWNLOAD.invokeExact(POINTER, 1L, 64L, POINTER);
                }
                return sum;
            }
        });
        all.put("cuEventRecord", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuEventRecord(POINTER, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.RECORD.invokeExact(POINTER, POINTER);
                }
                return sum;
            }
        });
        all.put("cuEventSynchronize", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuEventSynchronize(POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.WAIT.invokeExact(POINTER);
                }
                return sum;
            }
        });
        all.put("cuEventElapsedTime_v2", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuEventElapsedTime_v2(POINTER, POINTER, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.ELAPSED.invokeExact(POINTER, POINTER, POINTER);
                }
                return sum;
            }
        });
        all.put("cuLaunchKernelEx", new Loop[] {
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += cuda_h.cuLaunchKernelEx(POINTER, POINTER, POINTER, POINTER);
                }
                return sum;
            },
            n -> {
                int sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (int) Critical.LAUNCH.invokeExact(POINTER, POINTER, POINTER, POINTER);
                }
                return sum;
            }
        });
        return all;
    }

    /** @param args the library of functions that do nothing */
    public static void main(String[] args) throws Throwable {
        System.load(args[0]);
        System.out.println("ns a call, by the bindings and without a transition:");
        measure().forEach((name, nanos) -> System.out.printf("%-24s %6.1f %6.1f%n", name, nanos[0], nanos[1]));
    }
}
