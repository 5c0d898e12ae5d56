package dev.spandrel.sidecar.transform;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What the environment says about the pod: {@code OTEL_RESOURCE_ATTRIBUTES} (specification: Resource SDK) and the
 * Downward API, whose values a pod gives to variables named like the attribute, {@code K8S_POD_NAME} for
 * {@code k8s.pod.name}. The first wins.
 */
public final class ResourceAttributes {
    private static final String VARIABLE = "OTEL_RESOURCE_ATTRIBUTES";
    private static final List<String> POD_ATTRIBUTES = List.of(
            "k8s.pod.name",
            "k8s.pod.uid",
            "k8s.pod.ip",
            "k8s.namespace.name",
            "k8s.node.name",
            "k8s.container.name",
            "k8s.deployment.name",
            "k8s.statefulset.name",
            "k8s.daemonset.name",
            "k8s.job.name",
            "k8s.cluster.name");

    private ResourceAttributes() {}

    /**
     * The attributes named by an environment.
     *
     * @param warnings takes a line for an entry that was ignored
     */
    public static Map<String, String> from(Map<String, String> environment, Consumer<String> warnings) {
        Map<String, String> attributes = new LinkedHashMap<>();
        for (String name : POD_ATTRIBUTES) {
            String value =
                    environment.getOrDefault(name.toUpperCase(Locale.ROOT).replace('.', '_'), "");
            if (!value.isBlank()) {
                attributes.put(name, value);
            }
        }
        for (String pair : environment.getOrDefault(VARIABLE, "").split(",")) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                attributes.put(pair.substring(0, equals).strip(), decode(pair.substring(equals + 1)));
            } else if (!pair.isBlank()) {
                warnings.accept("%s has \"%s\", expected name=value; ignored".formatted(VARIABLE, pair));
            }
        }
        return attributes;
    }

    private static String decode(String value) {
        try {
            // URLDecoder reads forms, where "+" is a space; here it is a plus sign
            return URLDecoder.decode(value.strip().replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return value.strip();
        }
    }
}
