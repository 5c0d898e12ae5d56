package dev.spandrel.sidecar.exporter;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How one signal is sent to one destination.
 *
 * @param timeout the longest wait for one answer; zero means no limit
 * @param certificate PEM file of the authorities trusted with the server's certificate
 * @param clientKey PEM file of our own key; only together with clientCertificate
 */
public record ExporterConfig(
        Protocol protocol,
        Endpoint endpoint,
        Map<String, String> headers,
        boolean gzip,
        Duration timeout,
        Optional<Path> certificate,
        Optional<Path> clientKey,
        Optional<Path> clientCertificate) {
    public ExporterConfig {
        headers = Map.copyOf(headers);
    }

    /** The destination for people. */
    public String shown() {
        return endpoint.shown(protocol);
    }
}
