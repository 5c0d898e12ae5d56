package dev.spandrel.engine.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The project's goals on a GPU and what a run of {@code bench/gpu/run.sh} found of each, read from what the run has written so far:
 * a step that failed leaves its goals unmeasured and the others as they are.
 */
final class GpuGoals {
    private static final String NUMBER = ": ([0-9.]+) ";

    /**
     * A goal.
     *
     * @param pattern finds its figure
     * @param atLeast whether the figure is to be at least {@code wanted}; else at most
     */
    private record Goal(String name, String pattern, boolean atLeast, double wanted, String unit) {
        String judge(String report) {
            Matcher found = Pattern.compile(pattern).matcher(report);
            return found.find()
                    ? judge(Double.parseDouble(found.group(1)))
                    : name + ": not measured, wanted " + bound();
        }

        String judge(double figure) {
            boolean met = atLeast ? figure >= wanted : figure <= wanted;
            return String.format(
                    Locale.ROOT, "%s: %.2f %s, wanted %s: %s", name, figure, unit, bound(), met ? "met" : "MISSED");
        }

        private String bound() {
            return String.format(Locale.ROOT, "%s %s %s", atLeast ? "at least" : "at most", trim(wanted), unit);
        }

        private static String trim(double value) {
            return value == Math.rint(value) ? "" + (long) value : "" + value;
        }
    }

    private final List<String> lines = new ArrayList<>();

    private GpuGoals(String report, String opt, String small, String large) {
        step(report, "contract of the backend");
        step(report, "golden logits of every family, F32 within 1e-4, BF16 within 2e-2");
        step(report, "attention of prompts");
        String one = " decode, 1 sequences at [0-9]+ tokens";
        goals(
                report,
                new Goal(
                        "decode, 8B, share of the bound",
                        large + one + ", share of [^:]*bandwidth" + NUMBER,
                        true,
                        80,
                        "%"),
                new Goal(
                        "decode, 1B, share of the bound",
                        small + one + ", share of [^:]*bandwidth" + NUMBER,
                        true,
                        60,
                        "%"),
                new Goal("decode, OPT-125m", opt + one + NUMBER, true, 4000, "tok/s"),
                new Goal(
                        "decode, 64 sequences, 8B, share of the larger bound",
                        large + " decode, 64 sequences at [0-9]+ tokens, share of the larger bound" + NUMBER,
                        true,
                        70,
                        "%"),
                new Goal(
                        "prefill, 8B, share of bare products",
                        large + " prefill, share of the rate [^:]*" + NUMBER,
                        true,
                        80,
                        "%"),
                new Goal(
                        "host time of a step, 8B, scheduling and publishing apart",
                        large + one + ", host time of a step" + NUMBER,
                        false,
                        150,
                        "us"),
                new Goal("of it the way through Panama", "downcalls of a step" + NUMBER, false, 1, "us"),
                new Goal("ready, 8B, dummy weights, kernels cached", large + " ready" + NUMBER, false, 10, "s"));
        for (String shape : new String[] {large, small, opt}) {
            ratio(report, shape, one);
        }
    }

    private void goals(String report, Goal... goals) {
        for (Goal goal : goals) {
            lines.add(goal.judge(report));
        }
    }

    /** A step of the script: passed, failed, or not come to. */
    private void step(String report, String name) {
        int at = report.indexOf("== " + name + "\n");
        String rest = at < 0 ? "" : report.substring(at + name.length() + 4);
        int next = rest.indexOf("\n== ");
        String end = next < 0 ? "" : rest.substring(next + 4);
        lines.add(name + ": "
                + (end.startsWith("passed") ? "met" : end.startsWith("failed") ? "MISSED" : "not measured"));
    }

    private void ratio(String report, String shape, String one) {
        OptionalDouble ours = figure(report, "(?m)^" + shape + one + NUMBER);
        OptionalDouble torch =
                figure(report, "(?m)^PyTorch, " + shape + " decode, 1 sequence at [0-9]+ tokens" + NUMBER);
        Goal goal = new Goal("decode of PyTorch, " + shape, "", true, 1.3, "times");
        lines.add(
                ours.isPresent() && torch.isPresent()
                        ? goal.judge(ours.getAsDouble() / torch.getAsDouble())
                        : goal.name + ": not measured, wanted " + goal.bound());
    }

    private static OptionalDouble figure(String report, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(report);
        return found.find() ? OptionalDouble.of(Double.parseDouble(found.group(1))) : OptionalDouble.empty();
    }

    /** One line per goal, from a run's report of these three shapes. */
    static List<String> of(String report, String opt, String small, String large) {
        return new GpuGoals(report, opt, small, large).lines;
    }

    /** @param args the report; a second one is the shape that stands for all three in a rehearsal */
    public static void main(String[] args) throws IOException {
        String report = Files.readString(Path.of(args[0]));
        List<String> lines = args.length == 1
                ? of(report, "opt-125m", "llama-1b", "llama-8b")
                : of(report, args[1], args[1], args[1]);
        lines.forEach(System.out::println);
    }
}
