package dev.spandrel.sidecar;

import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.otlp.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The one line that says all is listening: where, and where telemetry goes. The launcher reads it. */
record ReadyLine(SidecarConfig config, Doors doors) {
    String text() {
        String host = bracketed(config.host());
        return "spandrel-sidecar ready: grpc %s:%d, http %s:%d, health http://%s:%d%s, to %s"
                .formatted(
                        host,
                        doors.grpcPort(),
                        host,
                        doors.httpPort(),
                        bracketed(config.healthHost()),
                        doors.healthPort(),
                        config.page().map(this::page).orElse(""),
                        destinations());
    }

    private String page(PageConfig settings) {
        String token = settings.token().map(text -> "?token=" + text).orElse("");
        return ", page http://" + bracketed(settings.host()) + ":" + doors.pagePort() + "/" + token;
    }

    private static String bracketed(String host) {
        return host.contains(":") ? "[" + host + "]" : host;
    }

    private String destinations() {
        return config.destinations().isEmpty()
                ? "no backend, kept here"
                : config.destinations().stream().map(ReadyLine::places).collect(Collectors.joining(", "));
    }

    private static String places(Destination destination) {
        Map<String, List<Signal>> byPlace = destination.exporters().entrySet().stream()
                .collect(Collectors.groupingBy(
                        entry -> withoutPath(entry.getValue()),
                        TreeMap::new,
                        Collectors.mapping(Map.Entry::getKey, Collectors.toList())));
        if (byPlace.size() == 1 && destination.exporters().size() == Signal.values().length) {
            return byPlace.keySet().iterator().next();
        }
        List<String> places = new ArrayList<>();
        byPlace.forEach((place, signals) -> places.add(
                place + " (" + signals.stream().sorted().map(Signal::word).collect(Collectors.joining(", ")) + ")"));
        return String.join(", ", places);
    }

    private static String withoutPath(ExporterConfig exporter) {
        String shown = exporter.shown();
        String path = exporter.endpoint().path();
        return shown.substring(0, shown.length() - path.length());
    }
}
