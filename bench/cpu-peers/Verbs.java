import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import java.util.Map;
import java.util.TreeMap;

/** Where the time of steps goes, verb by verb; printed every 200 steps of one size. */
final class Verbs implements StepListener {
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
        note(verbs, "(schedule)", step.scheduledNanos() - step.startNanos());
        note(verbs, "(forward)", step.forwardNanos() - step.scheduledNanos());
        note(verbs, "(sample)", step.endNanos() - step.forwardNanos());
        for (StepDetail.Call call : step.detail().orElseThrow().calls()) {
            note(verbs, call.verb(), call.endNanos() - call.startNanos());
        }
        if (steps.merge(size, 1, Integer::sum) % Integer.getInteger("every", 100) == 0) {
            System.err.println(size);
            verbs.forEach((verb, sum) -> System.err.printf("  %-12s %8.1f us a step, %d calls%n",
                    verb, sum[0] / 1e3 / Integer.getInteger("every", 100), sum[1] / Integer.getInteger("every", 100)));
            verbs.clear();
        }
    }

    private static void note(Map<String, long[]> verbs, String verb, long nanos) {
        long[] sum = verbs.computeIfAbsent(verb, _ -> new long[2]);
        sum[0] += nanos;
        sum[1]++;
    }
}
