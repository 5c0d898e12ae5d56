package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.Endpoint;
import dev.spandrel.sidecar.exporter.Exporter;
import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.exporter.Exporters;
import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.exporter.Protocol;
import dev.spandrel.sidecar.exporter.SendResult;
import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.settings.SettingsException;
import dev.spandrel.sidecar.settings.SettingsFile;
import dev.spandrel.sidecar.time.Ticker;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The run that an AOT cache is made from ({@code java -XX:AOTCacheOutput}, JEP 514): one sidecar delivers to another for
 * a few seconds, so that the cache holds the classes of an ordinary start and the profiles of the busy methods. What
 * ordinary runs do not load is left out on purpose: every class in the cache is resident memory.
 */
@Command(name = "train", hidden = true, description = "Works for a while to train an AOT cache, and stops.")
final class TrainCommand implements Callable<Integer> {
    private static final int SENDERS = 8;
    private static final int SPANS = 100;
    private static final int HTTP_REQUESTS = 200;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    @Option(
            names = "--requests",
            defaultValue = "12000",
            paramLabel = "N",
            description = "Requests (${DEFAULT-VALUE}).")
    private int requests;

    @Override
    public Integer call() throws Exception {
        Path folder = Files.createTempDirectory("spandrel-train");
        try (Sidecar backend = sidecar("--journal-dir=memory");
                Sidecar sidecar = sidecar(
                        "--journal-dir=" + folder,
                        "--otlp-endpoint=grpc://127.0.0.1:" + backend.doors().grpcPort())) {
            overGrpc(sidecar.doors().grpcPort());
            overHttp(sidecar.doors().httpPort(), Signal.TRACES.httpPath());
            overHttp(sidecar.doors().httpPort(), Signal.METRICS.httpPath());
        } finally {
            delete(folder);
        }
        return 0;
    }

    private static Sidecar sidecar(String... flags) throws StartException, InvalidConfigException, SettingsException {
        Options options = new Options();
        List<String> all = new ArrayList<>(List.of("--grpc-port=0", "--http-port=0", "--health-port=0"));
        all.addAll(List.of(flags));
        new CommandLine(options).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(all.toArray(String[]::new));
        return Sidecar.start(options.config(Map.of(), SettingsFile.NONE, _ -> {}), System.out);
    }

    private void overGrpc(int port) throws InvalidConfigException, InterruptedException {
        try (EventLoops loops = EventLoops.open();
                Exporter exporter = Exporters.open(Signal.TRACES, to(port), Ticker.SYSTEM, loops)) {
            EncodedRequest request = new EncodedRequest(Signal.TRACES, List.of(body()), SPANS);
            List<Thread> senders = new ArrayList<>();
            for (int i = 0; i < SENDERS; i++) {
                senders.add(Thread.ofVirtual().start(() -> send(exporter, request, requests / SENDERS)));
            }
            for (Thread sender : senders) {
                sender.join();
            }
        }
    }

    private static void send(Exporter exporter, EncodedRequest request, int times) {
        for (int i = 0; i < times; i++) {
            if (!(exporter.send(request) instanceof SendResult.Delivered)) {
                return;
            }
        }
    }

    private static ExporterConfig to(int port) {
        return new ExporterConfig(
                Protocol.GRPC,
                new Endpoint("127.0.0.1", port, false, ""),
                Map.of(),
                false,
                TIMEOUT,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** By hand: an HTTP client would put its classes into the cache. */
    private static void overHttp(int port, String path) throws IOException {
        byte[] body = path.equals(Signal.TRACES.httpPath()) ? body() : new byte[0];
        byte[] head = ("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
                        + "Content-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        try (Socket socket = new Socket("127.0.0.1", port)) {
            OutputStream out = socket.getOutputStream();
            InputStream in = socket.getInputStream();
            byte[] answer = new byte[4096];
            for (int i = 0; i < HTTP_REQUESTS; i++) {
                out.write(head);
                out.write(body);
                out.flush();
                if (in.read(answer) < 0) {
                    return;
                }
            }
        }
    }

    private static byte[] body() {
        ProtobufWriter scope = new ProtobufWriter();
        for (int i = 0; i < SPANS; i++) {
            scope.bytes(2, span(i));
        }
        byte[] resource = new ProtobufWriter()
                .bytes(1, attribute("service.name", "train"))
                .toByteArray();
        byte[] resourceSpans = new ProtobufWriter()
                .bytes(1, resource)
                .bytes(2, scope.toByteArray())
                .toByteArray();
        return new ProtobufWriter().bytes(1, resourceSpans).toByteArray();
    }

    private static byte[] span(int number) {
        return new ProtobufWriter()
                .bytes(1, new byte[16])
                .bytes(2, new byte[8])
                .string(5, "POST /v1/completions")
                .varint(6, 2)
                .fixed64(7, 1_700_000_000_000_000_000L)
                .fixed64(8, 1_700_000_000_005_000_000L)
                .bytes(9, attribute("http.route", "/v1/completions"))
                .bytes(9, attribute("number", Integer.toString(number)))
                .toByteArray();
    }

    private static byte[] attribute(String key, String value) {
        return new ProtobufWriter()
                .string(1, key)
                .bytes(2, new ProtobufWriter().string(1, value).toByteArray())
                .toByteArray();
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(file);
            }
        }
    }
}
