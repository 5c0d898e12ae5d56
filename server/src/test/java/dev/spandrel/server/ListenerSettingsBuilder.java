package dev.spandrel.server;

import dev.spandrel.server.http.Cors;
import java.util.List;

/** Settings that differ from the defaults in what a test is about. */
public final class ListenerSettingsBuilder {
    private List<String> keys = List.of();
    private Cors.Settings cors = Cors.Settings.DEFAULT;
    private int maxHeaderBytes = ListenerSettings.DEFAULT.maxHeaderBytes();
    private long maxBodyBytes = ListenerSettings.DEFAULT.maxBodyBytes();
    private int maxConcurrentRequests = ListenerSettings.DEFAULT.maxConcurrentRequests();
    private boolean docs = true;
    private String rootPath = "";

    public ListenerSettingsBuilder keys(String... values) {
        keys = List.of(values);
        return this;
    }

    public ListenerSettingsBuilder cors(Cors.Settings value) {
        cors = value;
        return this;
    }

    public ListenerSettingsBuilder maxHeaderBytes(int value) {
        maxHeaderBytes = value;
        return this;
    }

    public ListenerSettingsBuilder maxBodyBytes(long value) {
        maxBodyBytes = value;
        return this;
    }

    public ListenerSettingsBuilder maxConcurrentRequests(int value) {
        maxConcurrentRequests = value;
        return this;
    }

    public ListenerSettingsBuilder rootPath(String value) {
        rootPath = value;
        return this;
    }

    public ListenerSettingsBuilder docs(boolean value) {
        docs = value;
        return this;
    }

    public ListenerSettings build() {
        ListenerSettings defaults = ListenerSettings.DEFAULT;
        return new ListenerSettings(
                keys,
                defaults.tls(),
                defaults.tlsRefresh(),
                cors,
                maxBodyBytes,
                maxHeaderBytes,
                maxConcurrentRequests,
                false,
                defaults.accessLogLeftOut(),
                defaults.requestLog(),
                rootPath,
                docs);
    }
}
