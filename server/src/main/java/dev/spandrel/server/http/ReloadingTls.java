package dev.spandrel.server.http;

import io.helidon.common.tls.Tls;
import io.helidon.common.tls.TlsClientAuth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/**
 * TLS whose certificates follow their files. A daemon thread looks at them every few seconds, by time and size, since
 * mounted secrets change by a moved symbolic link that no file watch reports. What cannot be loaded is logged once and the
 * old certificates stay. Connections that exist keep what they were opened with.
 */
public final class ReloadingTls implements AutoCloseable {
    /** Certificates are renewed days before they end. */
    public static final Duration INTERVAL = Duration.ofSeconds(5);

    private static final System.Logger LOG = System.getLogger(ReloadingTls.class.getName());

    private final TlsFiles files;
    private final CurrentKeys keys;
    private final CurrentTrust trust;
    private final ScheduledExecutorService watch;
    private List<Stamp> seen;

    /** What tells one content of a file from the next. */
    private record Stamp(Path real, FileTime modified, long size) {}

    /**
     * Loads the files, and again whenever they change.
     *
     * @param interval between two looks; zero = never look again
     * @throws IllegalArgumentException naming the file that cannot be used, and why
     */
    public ReloadingTls(TlsFiles files, Duration interval) {
        this.files = files;
        this.seen = stamps();
        TlsFiles.Loaded loaded = files.load();
        this.keys = new CurrentKeys(loaded.keys());
        this.trust = new CurrentTrust(loaded.trust());
        this.watch = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("certificates").factory());
        if (!interval.isZero()) {
            watch.scheduleWithFixedDelay(this::look, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** For a listener. */
    public Tls tls() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(new KeyManager[] {keys}, new TrustManager[] {trust}, null);
            return Tls.builder()
                    .sslContext(context)
                    .update(tls -> {
                        if (!files.ciphers().isEmpty()) {
                            tls.enabledCipherSuites(files.ciphers());
                        }
                    })
                    .enabledProtocols(List.of("TLSv1.3", "TLSv1.2"))
                    .clientAuth(
                            switch (files.clientAuth()) {
                                case NONE -> TlsClientAuth.NONE;
                                case OPTIONAL -> TlsClientAuth.OPTIONAL;
                                case REQUIRED -> TlsClientAuth.REQUIRED;
                            })
                    .build();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no TLS", e);
        }
    }

    private void look() {
        List<Stamp> now = stamps();
        if (now.equals(seen)) {
            return;
        }
        seen = now;
        try {
            TlsFiles.Loaded loaded = files.load();
            keys.use(loaded.keys());
            trust.use(loaded.trust());
            LOG.log(
                    System.Logger.Level.INFO,
                    "certificates loaded again; valid until {0}",
                    loaded.certificate().getNotAfter());
        } catch (RuntimeException e) {
            // Also when only one of two files is new yet: the next look finds both.
            LOG.log(
                    System.Logger.Level.WARNING,
                    "changed certificates cannot be used, the old ones stay: " + e.getMessage());
        }
    }

    private List<Stamp> stamps() {
        List<Stamp> stamps = new ArrayList<>();
        for (Path path : files.all()) {
            try {
                Path real = path.toRealPath();
                stamps.add(new Stamp(real, Files.getLastModifiedTime(real), Files.size(real)));
            } catch (IOException e) {
                stamps.add(new Stamp(path, FileTime.fromMillis(0), -1));
            }
        }
        return stamps;
    }

    @Override
    public void close() {
        watch.shutdownNow();
    }
}
