package dev.spandrel.server.process;

import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A running process of a test, with all it has said. Closing it stops it and everything it was seen to have started. */
final class LaunchedProcess implements AutoCloseable {
    private static final Pattern SERVER_READY =
            Pattern.compile("^spandrel-server ready: https?://127\\.0\\.0\\.1:(\\d+), (.*)$", Pattern.MULTILINE);

    private final String command;
    private final Process process;
    private final Output out;
    private final Output err;
    private final Set<ProcessHandle> family = new LinkedHashSet<>();

    LaunchedProcess(String command, Process process) {
        this.command = command;
        this.process = process;
        this.out = new Output("stdout of " + command, process.getInputStream());
        this.err = new Output("stderr of " + command, process.getErrorStream());
    }

    /** Waits for the server's ready line and returns its port. */
    int awaitServerPort() {
        return Integer.parseInt(awaitOut(SERVER_READY).group(1));
    }

    /** Waits until the pattern is found in what was written to stdout; fails when the process ends before. */
    MatchResult awaitOut(Pattern pattern) {
        Optional<MatchResult> found = Await.present(
                "\"" + pattern + "\" on stdout",
                () -> {
                    boolean last = !process.isAlive() && out.ended();
                    Optional<MatchResult> match = find(pattern);
                    return match.isPresent() || last ? Optional.of(match) : Optional.empty();
                },
                this::toString);
        return found.orElseThrow(() -> new AssertionError("ended without \"" + pattern + "\" on stdout\n" + this));
    }

    private Optional<MatchResult> find(Pattern pattern) {
        return pattern.matcher(out.text()).results().findFirst();
    }

    /** Waits for the end; all output is there then. */
    int awaitExit() {
        Await.until("the end of " + command, () -> !process.isAlive() && out.ended() && err.ended(), this::toString);
        return process.exitValue();
    }

    /** Asks it to stop, as Kubernetes does, and returns the exit code. */
    int stop() {
        descendants();
        terminate();
        return awaitExit();
    }

    /** Sends SIGTERM; by the handle, since {@link Process#destroy} would also close the streams we read. */
    void terminate() {
        process.toHandle().destroy();
    }

    /** Sends SIGINT, as Ctrl-C does. */
    void interrupt() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                .start()
                .waitFor();
    }

    String out() {
        return out.text();
    }

    /** What was written to stderr, without the JVM's own remark on the incubating Vector API. */
    String err() {
        return err.text()
                .lines()
                .filter(line -> !line.startsWith("WARNING: Using incubator modules"))
                .collect(Collectors.joining("\n"));
    }

    /** All processes below it by now, remembered for the end. */
    List<ProcessHandle> descendants() {
        List<ProcessHandle> found = process.descendants().toList();
        family.addAll(found);
        return found;
    }

    @Override
    public String toString() {
        String state = process.isAlive() ? "running" : "exit code " + process.exitValue();
        return "--- %s (%s)\n--- stdout\n%s\n--- stderr\n%s\n---".formatted(command, state, out.text(), err.text());
    }

    @Override
    public void close() {
        descendants();
        terminate();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        } finally {
            family.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
