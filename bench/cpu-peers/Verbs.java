import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the time of steps goes, verb by verb, and the engine thread's processor time, which with one thread says what a verb costs
 * beside other work on the machine; printed every 100 steps of one size, or as -Devery says.
 */
final class Verbs implements StepListener {
    private static final int EVERY = Integer.getInteger("every", 100);

    private final Map<String, Map<String, long[]>> bySize = new TreeMap<>();
    private final Map<String, Integer> steps = new TreeMap<>();

    @Override
    public boolean detailed() {
        return true;
    }

    @Override
    public boolean wantsDetail(long step) {
        return true;
    }

    @Override
    public void onStep(StepRecord step) {
        String size = step.promptTokens() + " prompt, " + step.generatedTokens() + " generated";
        Map<String, long[]> verbs = bySize.computeIfAbsent(size, _ -> new TreeMap<>());
        note(verbs, "(schedule)", step.scheduledNanos() - step.startNanos(), 0);
        note(verbs, "(forward)", step.forwardNanos() - step.scheduledNanos(), 0);
        note(verbs, "(sample)", step.endNanos() - step.forwardNanos(), 0);
        for (StepDetail.Call call : step.detail().orElseThrow().calls()) {
            note(verbs, call.verb(), call.endNanos() - call.startNanos(), call.cpuNanos());
        }
        if (steps.merge(size, 1, Integer::sum) % EVERY == 0) {
            System.err.println(size);
            verbs.forEach((verb, sum) -> System.err.printf("  %-14s %8.1f us a step, %8.1f of the processor, %d calls%n",
                    verb, sum[0] / 1e3 / EVERY, sum[2] / 1e3 / EVERY, sum[1] / EVERY));
            verbs.clear();
        }
    }

    private static void note(Map<String, long[]> verbs, String verb, long nanos, long cpuNanos) {
        long[] sum = verbs.computeIfAbsent(verb, _ -> new long[3]);
        sum[0] += nanos;
        sum[1]++;
        sum[2] += cpuNanos;
    }
}
