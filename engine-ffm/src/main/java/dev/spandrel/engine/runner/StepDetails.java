package dev.spandrel.engine.runner;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Watches single steps on the engine thread: processor time by phase, the backend's workers included, and every call of the backend. The backend is
 * watched through a {@link Proxy}, so that a verb more or less there needs no change here; between watched steps a call
 * costs one reflective call more, and an engine without a detailed listener has no proxy at all.
 */
final class StepDetails {
    /** Calls kept of one step: 40 layers of 12 verbs. */
    private static final int LIMIT = 512;

    /** Verbs that do several things in one pass over memory, or the same thing in another way. */
    private static final Map<String, String> PHASES = Map.of(
            "attend", "attention",
            "normMatmul", "matmul",
            "normMatmulGate", "matmul",
            "matmulAdd", "matmul");

    private final LongSupplier nanoClock;
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final boolean measuresCpu = threads.isThreadCpuTimeSupported() && threads.isThreadCpuTimeEnabled();

    private Backend backend;
    private long[] workers = {};

    private boolean watching;
    private long beginCpu;
    private long scheduledCpu;
    private long forwardedCpu;
    private List<StepDetail.Call> calls = List.of();
    private int leftOut;

    StepDetails(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /** The same backend, watched while a step is. */
    Backend watch(Backend backend) {
        this.backend = backend;
        workers = backend.workers().stream().mapToLong(Thread::threadId).toArray();
        return (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> isComposed(backend, method)
                        ? InvocationHandler.invokeDefault(proxy, method, arguments)
                        : call(backend, method, arguments));
    }

    /** A verb that the interface makes of others is watched as these. */
    private static boolean isComposed(Backend backend, Method method) {
        if (!method.isDefault()) {
            return false;
        }
        try {
            return backend.getClass()
                    .getMethod(method.getName(), method.getParameterTypes())
                    .isDefault();
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("a backend has all of Backend's methods", e);
        }
    }

    private Object call(Backend backend, Method method, Object[] arguments) throws Throwable {
        long start = watching ? nanoClock.getAsLong() : 0;
        long cpu = watching ? cpuNanos() : 0;
        try {
            return method.invoke(backend, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        } finally {
            if (watching) {
                note(method.getName(), start, cpu);
            }
        }
    }

    private void note(String verb, long start, long cpu) {
        if (calls.size() < LIMIT) {
            String phase = PHASES.getOrDefault(verb, verb);
            calls.add(new StepDetail.Call(verb, phase, start, nanoClock.getAsLong(), cpuNanos() - cpu));
        } else {
            leftOut++;
        }
    }

    void begin() {
        beginCpu = cpuNanos();
    }

    void scheduled() {
        scheduledCpu = cpuNanos();
        calls = new ArrayList<>();
        leftOut = 0;
        backend.watch(true);
        watching = true;
    }

    void forwarded() {
        stopWatching();
        forwardedCpu = cpuNanos();
    }

    /** The watched step threw. */
    void abandon() {
        stopWatching();
    }

    private void stopWatching() {
        if (watching) {
            watching = false;
            backend.watch(false);
        }
    }

    StepDetail end(ScheduledBatch batch, BlockManager blocks) {
        long cpu = cpuNanos();
        List<StepDetail.Member> members = new ArrayList<>(batch.sequences().size());
        for (int i = 0; i < batch.sequences().size(); i++) {
            LiveRequest request = (LiveRequest) batch.sequences().get(i);
            members.add(new StepDetail.Member(request.requestId(), request.correlation(), batch.tokenCount(i)));
        }
        return new StepDetail(
                members,
                blocks.usedBlocks(),
                blocks.totalBlocks(),
                scheduledCpu - beginCpu,
                forwardedCpu - scheduledCpu,
                cpu - forwardedCpu,
                calls,
                leftOut,
                backend.deviceTimes());
    }

    /** Of this thread and the backend's; 0 where the platform does not say. */
    private long cpuNanos() {
        if (!measuresCpu) {
            return 0;
        }
        long sum = threads.getCurrentThreadCpuTime();
        for (long worker : workers) {
            sum += threads.getThreadCpuTime(worker);
        }
        return sum;
    }
}
