package dev.spandrel.server.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * What {@code k8s/base} says of its pod, read from the manifests themselves: a container that is changed there is changed here.
 *
 * @param sidecar the init container that restarts always
 * @param graceSeconds from the first signal to the last
 */
record PodManifest(PodContainer sidecar, PodContainer server, int graceSeconds) {
    private static final Path BASE = Launcher.ROOT.resolve("k8s/base");
    private static final Pattern REFERENCE = Pattern.compile("\\$\\(([A-Za-z_][A-Za-z0-9_]*)\\)");

    /** What the Downward API would say. */
    private static final Map<String, String> POD_FIELDS = Map.of(
            "metadata.name", "spandrel-0",
            "metadata.uid", "8f1c1f8e-9a52-4f0b-9d0e-1f6f3c1a2b3c",
            "metadata.namespace", "spandrel",
            "spec.nodeName", "node-1");

    static PodManifest read() {
        try {
            Node deployment = new Node(new Load(LoadSettings.builder().build())
                    .loadFromString(Files.readString(BASE.resolve("deployment.yaml"))));
            Node pod = deployment.at("spec").at("template").at("spec");
            return new PodManifest(
                    container(pod.at("initContainers").first()),
                    container(pod.at("containers").first()),
                    pod.at("terminationGracePeriodSeconds").number());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PodContainer container(Node node) throws IOException {
        Map<String, String> environment = environment(node);
        Node startup = node.at("startupProbe");
        List<String> mounts = new ArrayList<>();
        node.at("volumeMounts").each(mount -> mounts.add(mount.at("mountPath").text()));
        Map<String, Integer> ports = new LinkedHashMap<>();
        node.at("ports")
                .each(port -> ports.put(
                        port.at("name").text(), port.at("containerPort").number()));
        List<String> arguments = new ArrayList<>();
        node.at("args").each(argument -> arguments.add(expand(argument.text(), environment)));
        return new PodContainer(
                node.at("name").text(),
                node.has("restartPolicy") && node.at("restartPolicy").text().equals("Always"),
                arguments,
                environment,
                ports.get(startup.at("httpGet").at("port").text()),
                startup.at("httpGet").at("path").text(),
                startup.at("periodSeconds").number()
                        * startup.at("failureThreshold").number(),
                node.at("readinessProbe").at("httpGet").at("path").text(),
                node.has("lifecycle")
                        ? node.at("lifecycle")
                                .at("preStop")
                                .at("sleep")
                                .at("seconds")
                                .number()
                        : 0,
                node.at("securityContext").at("readOnlyRootFilesystem").flag(),
                mounts);
    }

    /** Variables of the config maps, then those of the container, which may name earlier ones. */
    private static Map<String, String> environment(Node container) throws IOException {
        Map<String, String> environment = new LinkedHashMap<>();
        List<String> maps = new ArrayList<>();
        container
                .at("envFrom")
                .each(from -> maps.add(from.at("configMapRef").at("name").text()));
        for (String map : maps) {
            Path file = BASE.resolve("config/" + map.substring("spandrel-".length()) + ".env");
            Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> line.split("=", 2))
                    .forEach(pair -> environment.put(pair[0], pair[1]));
        }
        container.at("env").each(variable -> {
            String value = variable.has("value")
                    ? expand(variable.at("value").text(), environment)
                    : POD_FIELDS.get(variable.at("valueFrom")
                            .at("fieldRef")
                            .at("fieldPath")
                            .text());
            environment.put(variable.at("name").text(), value);
        });
        return environment;
    }

    private static String expand(String text, Map<String, String> environment) {
        return REFERENCE.matcher(text).replaceAll(found -> {
            String value = environment.get(found.group(1));
            if (value == null) {
                throw new AssertionError("$(" + found.group(1) + ") is in no variable of " + environment.keySet());
            }
            return Matcher.quoteReplacement(value);
        });
    }

    /** A node of the YAML document that says what it misses. */
    private record Node(Object value) {
        Node at(String key) {
            if (!has(key)) {
                throw new AssertionError("no \"" + key + "\" in " + value);
            }
            return new Node(((Map<?, ?>) value).get(key));
        }

        boolean has(String key) {
            return value instanceof Map<?, ?> map && map.containsKey(key);
        }

        Node first() {
            return new Node(((List<?>) value).getFirst());
        }

        void each(java.util.function.Consumer<Node> action) {
            ((List<?>) value).forEach(item -> action.accept(new Node(item)));
        }

        String text() {
            return String.valueOf(value);
        }

        int number() {
            return (Integer) value;
        }

        boolean flag() {
            return (Boolean) value;
        }
    }
}
