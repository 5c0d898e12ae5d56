package dev.spandrel.server.process;

import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** What {@code ./spandrel dev} printed when it was ready. */
record DevRun(int page, int api, int health, int grpc, String destination, String curlUrl, String curlBody) {
    private static final Pattern READY = Pattern.compile("""
            Spandrel is ready \\([0-9.]+ s\\)\\.

              trace page +http://127\\.0\\.0\\.1:(\\d+)/
              API +http://127\\.0\\.0\\.1:(\\d+)/v1
              sidecar health +http://127\\.0\\.0\\.1:(\\d+)/ready
              traces +grpc://127\\.0\\.0\\.1:(\\d+) → (.*)

            Try it:

              curl (\\S+) -H 'Content-Type: application/json' -d '(.*)'

            Logs are in \\.spandrel/dev/\\d+/\\. Ctrl-C stops both\\.
            """);

    static DevRun await(LaunchedProcess launcher) {
        MatchResult ready = launcher.awaitOut(READY);
        return new DevRun(
                Integer.parseInt(ready.group(1)),
                Integer.parseInt(ready.group(2)),
                Integer.parseInt(ready.group(3)),
                Integer.parseInt(ready.group(4)),
                ready.group(5),
                ready.group(6),
                ready.group(7));
    }

    List<Integer> ports() {
        return List.of(page, api, health, grpc);
    }

    /** The process that runs a jar, once it is there. */
    static ProcessHandle child(LaunchedProcess launcher, String jar) {
        return Await.present(
                "a process of " + jar,
                () -> launcher.descendants().stream()
                        .filter(ProcessHandle::isAlive)
                        .filter(child -> commandLine(child).contains(jar))
                        .findFirst(),
                launcher::toString);
    }

    private static String commandLine(ProcessHandle process) {
        Optional<String> whole = process.info().commandLine();
        return whole.orElse("");
    }
}
