package dev.spandrel.server;

import dev.spandrel.server.http.Cors;
import dev.spandrel.server.http.TlsFiles;
import dev.spandrel.server.http.TlsFiles.ClientAuth;
import dev.spandrel.server.openai.RequestLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** The flags of {@code serve} that say who may connect, how large requests may be, and what is logged of them. */
final class ListenerOptions {
    private static final List<String> KEY_VARIABLES = List.of("SPANDREL_API_KEY", "VLLM_API_KEY");

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description =
                    "A key that lets in (Authorization: Bearer KEY); may be given several times. Other users of the"
                            + " machine see flags: prefer --api-key-file, SPANDREL_API_KEY or VLLM_API_KEY. Default: no key needed.")
    private List<String> apiKeys = new ArrayList<>();

    @Option(names = "--api-key-file", paramLabel = "FILE", description = "Keys that let in, one a line.")
    private Path apiKeyFile;

    @Option(names = "--ssl-certfile", paramLabel = "FILE", description = "Certificate chain (PEM); turns TLS on.")
    private Path certificates;

    @Option(names = "--ssl-keyfile", paramLabel = "FILE", description = "Its key (PEM). Default: in --ssl-certfile.")
    private Path key;

    @Option(
            names = "--ssl-ca-certs",
            paramLabel = "FILE",
            description = "Certificates (PEM) of those who sign clients' certificates.")
    private Path authorities;

    @Option(
            names = "--ssl-cert-reqs",
            paramLabel = "N",
            description = "0: no client certificate, 1: checked if there is one, 2: required. Default: 2 with"
                    + " --ssl-ca-certs, else 0.")
    private Integer clientCertificates;

    @Option(
            names = "--ssl-ciphers",
            split = "[:,]",
            paramLabel = "NAMES",
            description =
                    "Cipher suites by their IANA names, e.g. TLS_AES_256_GCM_SHA384, separated by commas or colons."
                            + " Default: the JDK's.")
    private List<String> ciphers = List.of();

    @Option(
            names = "--enable-ssl-refresh",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Load certificates again when their files change. Default: ${DEFAULT-VALUE}.")
    private boolean refresh;

    @Option(
            names = "--allowed-origins",
            defaultValue = "*",
            paramLabel = "LIST",
            description =
                    "Origins whose pages may call (CORS): a comma list or a JSON array. Default: ${DEFAULT-VALUE}.")
    private String origins;

    @Option(
            names = "--allowed-methods",
            defaultValue = "*",
            paramLabel = "LIST",
            description = "Methods they may use. Default: ${DEFAULT-VALUE}.")
    private String methods;

    @Option(
            names = "--allowed-headers",
            defaultValue = "*",
            paramLabel = "LIST",
            description = "Headers they may send. Default: ${DEFAULT-VALUE}.")
    private String headers;

    @Option(names = "--allow-credentials", description = "Let them send cookies.")
    private boolean credentials;

    @Option(
            names = "--max-body-size",
            defaultValue = "" + ListenerSettings.DEFAULT_MAX_BODY_BYTES,
            paramLabel = "BYTES",
            converter = Magnitudes.Bytes.class,
            description = "Largest request body, e.g. 10M; a larger one is 413. Default: ${DEFAULT-VALUE}.")
    private long maxBodyBytes;

    @Option(
            names = "--max-header-size",
            defaultValue = "" + ListenerSettings.DEFAULT_MAX_HEADER_BYTES,
            paramLabel = "BYTES",
            converter = Magnitudes.Length.class,
            description = "Largest head of a request; a larger one is 431. Default: ${DEFAULT-VALUE}.")
    private int maxHeaderBytes;

    @Option(
            names = "--max-concurrent-requests",
            defaultValue = "" + ListenerSettings.DEFAULT_MAX_CONCURRENT_REQUESTS,
            paramLabel = "N",
            description = "Most requests under way, probes aside; one more is 429. Default: ${DEFAULT-VALUE}.")
    private int maxConcurrentRequests;

    @Option(
            names = "--root-path",
            defaultValue = "",
            paramLabel = "PATH",
            description = "What a proxy in front adds to paths, e.g. /llm; requests with and without it are served.")
    private String rootPath;

    @Option(names = "--access-log", description = "A line of JSON per request on stdout, with its trace and span ids.")
    private boolean accessLog;

    @Option(
            names = "--disable-access-log-for-endpoints",
            split = ",",
            paramLabel = "PATH",
            description = "Paths without such a line, e.g. /health,/metrics.")
    private List<String> leftOut = List.of();

    @Option(
            names = "--enable-log-requests",
            description =
                    "A line of JSON per generation, embedding or refused request on stdout, with prompt and sampling values.")
    private boolean logRequests;

    @Option(names = "--enable-log-outputs", description = "What was said too; needs --enable-log-requests.")
    private boolean logOutputs;

    @Option(
            names = "--max-log-len",
            paramLabel = "N",
            description = "Characters kept there of a prompt and of an output. Default: all.")
    private Integer maxLogLength;

    @Option(
            names = {"--disable-docs", "--disable-fastapi-docs"},
            description = "No /openapi.json and no /docs.")
    private boolean noDocs;

    @Option(names = "--enable-server-load-tracking", description = "Accepted for vLLM's sake: /load always counts.")
    private boolean loadTracking;

    /**
     * The flags, checked.
     *
     * @throws IllegalArgumentException naming the flag, what was found and what is allowed
     */
    ListenerSettings settings(UnaryOperator<String> environment) {
        return new ListenerSettings(
                keys(environment),
                tls(),
                refresh,
                new Cors.Settings(list(origins), list(methods), list(headers), credentials),
                maxBodyBytes,
                maxHeaderBytes,
                maxConcurrentRequests,
                accessLog,
                Set.copyOf(leftOut),
                requestLog(),
                rootPath,
                !noDocs);
    }

    private Optional<RequestLog.Settings> requestLog() {
        if (logOutputs && !logRequests) {
            throw new IllegalArgumentException("--enable-log-outputs needs --enable-log-requests");
        }
        RequestLog.Settings settings = new RequestLog.Settings(
                logOutputs, maxLogLength == null ? OptionalInt.empty() : OptionalInt.of(maxLogLength));
        return logRequests ? Optional.of(settings) : Optional.empty();
    }

    private List<String> keys(UnaryOperator<String> environment) {
        List<String> given = new ArrayList<>(apiKeys);
        if (apiKeyFile != null) {
            given.addAll(keysOfFile());
        }
        if (!given.isEmpty()) {
            return given;
        }
        return KEY_VARIABLES.stream()
                .map(environment)
                .filter(value -> value != null && !value.isBlank())
                .limit(1)
                .toList();
    }

    private List<String> keysOfFile() {
        try (Stream<String> lines = Files.lines(apiKeyFile)) {
            List<String> found =
                    lines.map(String::strip).filter(line -> !line.isEmpty()).toList();
            if (found.isEmpty()) {
                throw new IllegalArgumentException("--api-key-file " + apiKeyFile + " holds no key");
            }
            return found;
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "--api-key-file " + apiKeyFile + " cannot be read: " + e.getMessage(), e);
        }
    }

    private Optional<TlsFiles> tls() {
        if (certificates == null) {
            if (key != null || authorities != null || clientCertificates != null || !ciphers.isEmpty()) {
                throw new IllegalArgumentException(
                        "--ssl-keyfile, --ssl-ca-certs, --ssl-cert-reqs and --ssl-ciphers need --ssl-certfile");
            }
            return Optional.empty();
        }
        return Optional.of(new TlsFiles(
                certificates,
                key == null ? certificates : key,
                Optional.ofNullable(authorities),
                clientAuth(),
                ciphers));
    }

    private ClientAuth clientAuth() {
        if (clientCertificates == null) {
            return authorities == null ? ClientAuth.NONE : ClientAuth.REQUIRED;
        }
        ClientAuth[] known = ClientAuth.values();
        if (clientCertificates < 0 || clientCertificates >= known.length) {
            throw new IllegalArgumentException("--ssl-cert-reqs must be 0, 1 or 2, found " + clientCertificates);
        }
        return known[clientCertificates];
    }

    /** {@code a,b} or vLLM's {@code ["a", "b"]}. */
    private static List<String> list(String text) {
        String bare = text.strip().replaceFirst("^\\[", "").replaceFirst("]$", "");
        return Arrays.stream(bare.split(",", -1))
                .map(item -> item.strip().replaceFirst("^[\"']", "").replaceFirst("[\"']$", ""))
                .filter(item -> !item.isEmpty())
                .toList();
    }
}
