package dev.spandrel.sidecar;

import dev.spandrel.sidecar.page.TracePage;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The flags of the trace page. */
final class PageOptions {
    private static final int TOKEN_BYTES = 16;

    @Option(
            names = "--trace-page",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "BOOL",
            description = "Serves a page with the traces that pass; the last 64 MiB of spans stay in memory for it,"
                    + " which takes 128 MiB more of heap.")
    private boolean on;

    @Option(
            names = "--trace-page-host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "Address of the page (${DEFAULT-VALUE}); any that is not loopback takes a token.")
    private String host;

    @Option(
            names = "--trace-page-port",
            paramLabel = "PORT",
            defaultValue = "16686",
            description = "Port of the page (${DEFAULT-VALUE}, Jaeger's; 0 = any free one).")
    private int port;

    @Option(
            names = "--trace-page-token",
            paramLabel = "TEXT",
            description = "What the page's address must carry as ?token= (none on loopback, else drawn and printed).")
    private String token;

    @Option(
            names = "--trace-page-example",
            paramLabel = "COMMAND",
            description = "A command that the page offers to copy while there is nothing to see.")
    private String example;

    /** Empty when there is to be no page. */
    Optional<PageConfig> config() {
        if (!on) {
            return Optional.empty();
        }
        return Optional.of(
                new PageConfig(host, port, Optional.ofNullable(token).or(this::drawn), Optional.ofNullable(example)));
    }

    /** What of the heap is the page's and not the journal's. */
    long heapBytes() {
        return on ? TracePage.HEAP_BYTES : 0;
    }

    /** A name that does not resolve fails when it is listened on. */
    private Optional<String> drawn() {
        try {
            if (InetAddress.getByName(host).isLoopbackAddress()) {
                return Optional.empty();
            }
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        return Optional.of(HexFormat.of().formatHex(random));
    }
}
