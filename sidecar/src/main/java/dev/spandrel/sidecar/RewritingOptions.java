package dev.spandrel.sidecar;

import dev.spandrel.sidecar.transform.RedactionRules;
import dev.spandrel.sidecar.transform.Redactor;
import dev.spandrel.sidecar.transform.ResourceAttributes;
import dev.spandrel.sidecar.transform.ResourceEnricher;
import dev.spandrel.sidecar.transform.Transform;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Option;

/** The flags that let the sidecar change what passes through; all off by default. */
final class RewritingOptions {
    @Option(
            names = "--enrich-resources",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "BOOL",
            description = "Adds OTEL_RESOURCE_ATTRIBUTES and K8S_POD_NAME, K8S_NAMESPACE_NAME, K8S_NODE_NAME and others"
                    + " to resources that lack them.")
    private boolean enrichResources;

    @Option(
            names = "--redact-content",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "BOOL",
            description = "Masks what models were told and answered: gen_ai.input.messages and its like.")
    private boolean redactContent;

    @Option(
            names = "--redact-attribute",
            paramLabel = "NAME",
            split = "[,\n]",
            description = "Masks the values of an attribute, everywhere; NAME* masks all that begin so. Repeatable.")
    private Set<String> redactAttributes = new LinkedHashSet<>();

    @Option(
            names = "--redact-pattern",
            paramLabel = "REGEX",
            split = "\n",
            description = "Masks what matches in attribute values, log bodies, span names and status messages."
                    + " Repeatable.")
    private List<String> redactPatterns = new ArrayList<>();

    /** What is done to each request before it is kept. */
    Transform transform(Map<String, String> environment, Consumer<String> warnings) {
        RedactionRules rules = new RedactionRules(redactAttributes, patterns(), redactContent);
        Transform transform = Transform.NONE;
        if (enrichResources) {
            Map<String, String> attributes = ResourceAttributes.from(environment, warnings);
            if (attributes.isEmpty()) {
                warnings.accept(
                        "--enrich-resources has nothing to add: OTEL_RESOURCE_ATTRIBUTES and K8S_* are not set");
            }
            transform = new ResourceEnricher(attributes);
        }
        return rules.isEmpty() ? transform : transform.andThen(new Redactor(rules));
    }

    private List<Pattern> patterns() {
        List<Pattern> patterns = new ArrayList<>();
        for (String regex : redactPatterns) {
            try {
                patterns.add(Pattern.compile(regex));
            } catch (PatternSyntaxException e) {
                throw new IllegalArgumentException(
                        "--redact-pattern \"%s\" is no regular expression: %s".formatted(regex, e.getDescription()));
            }
        }
        return patterns;
    }
}
