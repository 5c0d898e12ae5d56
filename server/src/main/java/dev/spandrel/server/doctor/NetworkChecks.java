package dev.spandrel.server.doctor;

import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.TelemetryConfigException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.function.UnaryOperator;

/** The port to listen on, and whether somebody listens where telemetry is to go. */
final class NetworkChecks {
    static final int MAX_PORT = 65_535;

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private NetworkChecks() {}

    static Finding port(String host, int port) {
        String subject = "port " + port;
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(
                    host == null
                            ? new InetSocketAddress(port)
                            : new InetSocketAddress(InetAddress.getByName(host), port));
            return Finding.ok(subject, "free");
        } catch (IOException e) {
            return Finding.wrong(subject, e.getMessage(), "choose another with --port, or end who has it");
        }
    }

    static Finding telemetry(String flag, UnaryOperator<String> environment) {
        String subject = "telemetry";
        try {
            OtlpSettings settings = OtlpSettings.resolve(flag, environment);
            return settings.endpoint()
                    .map(endpoint -> reach(subject, endpoint, settings.protocol()))
                    .orElseGet(() -> Finding.note(subject, settings.describe(), ""));
        } catch (TelemetryConfigException e) {
            return Finding.wrong(subject, e.getMessage(), "");
        }
    }

    private static Finding reach(String subject, URI endpoint, String protocol) {
        boolean secure = "https".equals(endpoint.getScheme());
        int port = endpoint.getPort() > 0 ? endpoint.getPort() : secure ? 443 : 80;
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(endpoint.getHost(), port), (int) PATIENCE.toMillis());
            return Finding.ok(subject, "somebody listens at " + endpoint + " (" + protocol + ")");
        } catch (IOException | IllegalArgumentException e) {
            return Finding.wrong(
                    subject,
                    "nobody to be reached at " + endpoint + " (" + protocol + "): " + e.getMessage(),
                    "start the sidecar or the backend; until then spans are dropped and counted");
        }
    }
}
