import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs the server of an image once, in ordinary use, so that the JVM writes an AOT cache of what it loaded (JEP 483, 514). Part of
 * the image's build, with the runtime, flags and paths of the image: another of any of these and the JVM does without the cache.
 * The sidecar has a command for it. {@code java Train.java /opt/spandrel}
 */
public final class Train {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Path home;

    private Train(Path home) {
        this.home = home;
    }

    public static void main(String[] args) throws Exception {
        Train train = new Train(Path.of(args[0]));
        train.server();
        Path cache = train.home.resolve("server.aot");
        if (!Files.exists(cache)) {
            throw new IOException("the JVM made no " + cache);
        }
        System.out.println(cache + ": " + Files.size(cache) + " bytes");
    }

    private void server() throws Exception {
        Pattern ready = Pattern.compile("ready: http://[^,]*:(\\d+), ");
        List<String> flags = List.of(
                "serve", "--model=/build/models/spandrel-tiny", "--host=127.0.0.1", "--port=0", "--shutdown-timeout=5",
                "--otlp-traces-endpoint=grpc://127.0.0.1:9", "--collect-detailed-traces=request");
        try (Program server = start("server", ready, flags)) {
            String prompt = "\"model\":\"spandrel-tiny\",\"max_tokens\":16,\"temperature\":0.5,";
            String chat = "\"messages\":[{\"role\":\"user\",\"content\":\"What is a span?\"}]";
            for (int i = 0; i < 5; i++) {
                post(server.port(1), "/v1/completions", "{" + prompt + "\"prompt\":\"Once upon a time\"}");
                post(server.port(1), "/v1/completions", "{" + prompt + "\"stream\":true,\"prompt\":\"Once upon a time\"}");
                post(server.port(1), "/v1/chat/completions", "{" + prompt + "\"stream\":true," + chat + "}");
                get(server.port(1), "/metrics");
            }
            get(server.port(1), "/v1/models");
        }
    }

    /** A running program of the image; closing it is SIGTERM and waiting, since the cache is written at the end. */
    private record Program(Process process, Matcher ready) implements AutoCloseable {
        int port(int group) {
            return Integer.parseInt(ready.group(group));
        }

        @Override
        public void close() throws InterruptedException {
            process.toHandle().destroy();
            if (!process.waitFor(5, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("did not end: " + process.info());
            }
        }
    }

    private Program start(String name, Pattern ready, List<String> flags) throws IOException {
        List<String> command = new ArrayList<>(List.of(home.resolve("runtime/bin/java").toString()));
        command.add("-XX:AOTCacheOutput=" + home.resolve(name + ".aot"));
        command.addAll(List.of("@" + home.resolve("jvm"), "-jar", home.resolve("spandrel-" + name + ".jar").toString()));
        command.addAll(flags);
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        BufferedReader out = process.inputReader();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            Matcher found = ready.matcher(line);
            if (found.find()) {
                Thread.ofVirtual().start(() -> out.lines().forEach(_ -> {}));
                return new Program(process, found);
            }
        }
        throw new IOException("ended before it was ready: " + command);
    }

    private static void post(int port, String path, String json) throws IOException, InterruptedException {
        send(HttpRequest.newBuilder(uri(port, path))
                .header("Content-Type", "application/json")
                .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    private static void get(int port, String path) throws IOException, InterruptedException {
        send(HttpRequest.newBuilder(uri(port, path)).build());
    }

    private static void send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(request.uri() + ": expected 200, found " + answer.statusCode() + ": " + answer.body());
        }
    }

    private static URI uri(int port, String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }
}
