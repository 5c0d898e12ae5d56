package dev.spandrel.server.client;

import dev.spandrel.server.telemetry.ClientTracing;
import dev.spandrel.server.telemetry.OtlpSettings;
import java.io.PrintWriter;
import java.net.URI;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code client}: one traced completion; prints the text and the trace id. */
@Command(
        name = "client",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Asks a server for one completion under a span of its own, and prints the text and the trace id.",
        footer = {
            "",
            "Environment (standard OpenTelemetry variables):",
            "  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT   default by protocol:",
            "      http://localhost:4317 for grpc, http://localhost:4318/v1/traces for http/protobuf",
            "  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL   grpc (default) or http/protobuf",
            "  OTEL_SERVICE_NAME   default: spandrel-client",
            "",
            "Example:",
            "  OTEL_SERVICE_NAME=client-service client \"Once upon a time\""
        })
public final class ClientCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "PROMPT", description = "The text to continue.")
    private String prompt;

    @Option(
            names = "--base-url",
            defaultValue = "http://localhost:8000",
            paramLabel = "URL",
            description = "The server. Default: ${DEFAULT-VALUE}.")
    private URI baseUrl;

    @Option(names = "--model", paramLabel = "NAME", description = "Default: whichever the server serves.")
    private String model;

    @Option(
            names = "--max-tokens",
            defaultValue = "32",
            paramLabel = "N",
            description = "Most tokens to generate. Default: ${DEFAULT-VALUE}.")
    private int maxTokens;

    @Option(names = "--stream", description = "Print text as it comes.")
    private boolean stream;

    /** For the command line. */
    public ClientCommand() {
        // The fields are filled in by the command line.
    }

    @Override
    public Integer call() throws InterruptedException {
        if (baseUrl.getHost() == null
                || baseUrl.getScheme() == null
                || !baseUrl.getScheme().startsWith("http")) {
            throw new ParameterException(
                    spec.commandLine(), "--base-url must be http://host:port, found \"" + baseUrl + "\"");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (ClientTracing tracing =
                ClientTracing.start(OtlpSettings.resolveOrLocal(OtlpSettings::processEnvironment))) {
            String traceId = ask(tracing, out);
            out.println("trace id: " + traceId);
            out.flush();
            tracing.flush().ifPresent(spec.commandLine().getErr()::println);
        }
        return 0;
    }

    private String ask(ClientTracing tracing, PrintWriter out) throws InterruptedException {
        try (ClientTracing.ClientSpan span = tracing.begin(prompt)) {
            try {
                new CompletionClient(baseUrl)
                        .complete(Optional.ofNullable(model), prompt, maxTokens, stream, span.headers(), piece -> {
                            out.print(piece);
                            out.flush();
                        });
            } catch (ClientException e) {
                span.failed(e);
                throw e;
            }
            out.println();
            return span.traceId();
        }
    }
}
