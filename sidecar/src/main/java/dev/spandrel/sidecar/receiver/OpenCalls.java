package dev.spandrel.sidecar.receiver;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Calls whose request has not fully arrived, so that slow senders can be cut off. Safe for any thread. */
final class OpenCalls {
    private final ReceiverLimits limits;
    private final Set<ExportCall> calls = ConcurrentHashMap.newKeySet();

    OpenCalls(ReceiverLimits limits) {
        this.limits = limits;
    }

    void add(ExportCall call) {
        calls.add(call);
    }

    void remove(ExportCall call) {
        calls.remove(call);
    }

    void cutOffSlow() {
        long oldest = limits.ticker().nanoTime() - limits.maxRequestTime().toNanos();
        for (ExportCall call : calls) {
            if (call.startNanos() - oldest < 0) {
                call.fail(OtlpError.tooSlow());
            }
        }
    }
}
