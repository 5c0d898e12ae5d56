package dev.spandrel.server.process;

import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Where a sidecar listens, read from its ready line. */
record SidecarPorts(int grpc, int http, int health) {
    private static final Pattern READY = Pattern.compile(
            "^spandrel-sidecar ready: grpc 127\\.0\\.0\\.1:(\\d+), http 127\\.0\\.0\\.1:(\\d+), "
                    + "health http://127\\.0\\.0\\.1:(\\d+), to .*$",
            Pattern.MULTILINE);

    static SidecarPorts await(LaunchedProcess sidecar) {
        MatchResult ready = sidecar.awaitOut(READY);
        return new SidecarPorts(
                Integer.parseInt(ready.group(1)), Integer.parseInt(ready.group(2)), Integer.parseInt(ready.group(3)));
    }

    int port(Protocol protocol) {
        return protocol == Protocol.GRPC ? grpc : http;
    }
}
