package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import tools.jackson.core.JsonGenerator;

/** {@code GET /v1/models}: one card per served name, as vLLM's. */
public final class ModelsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/models";

    private final ServedModel model;

    public ModelsService(ServedModel model) {
        this.model = model;
    }

    @Override
    public void routing(HttpRules rules) {
        byte[] list = list();
        rules.get(
                "/",
                (_, response) -> response.header(HeaderNames.CONTENT_TYPE, "application/json")
                        .send(list));
    }

    private byte[] list() {
        return Json.bytes(out -> {
            out.writeStartObject();
            out.writeStringProperty("object", "list");
            out.writeArrayPropertyStart("data");
            model.names().forEach(name -> card(out, name));
            out.writeEndArray();
            out.writeEndObject();
        });
    }

    private void card(JsonGenerator out, String name) {
        out.writeStartObject();
        out.writeStringProperty("id", name);
        out.writeStringProperty("object", "model");
        out.writeNumberProperty("created", model.created());
        out.writeStringProperty("owned_by", "spandrel");
        out.writeStringProperty("root", model.info().root().toString());
        out.writeNullProperty("parent");
        out.writeNumberProperty("max_model_len", model.info().maxModelLen());
        out.writeArrayPropertyStart("permission");
        permission(out, name);
        out.writeEndArray();
        out.writeEndObject();
    }

    private void permission(JsonGenerator out, String name) {
        out.writeStartObject();
        out.writeStringProperty("id", "modelperm-" + name);
        out.writeStringProperty("object", "model_permission");
        out.writeNumberProperty("created", model.created());
        out.writeBooleanProperty("allow_create_engine", false);
        out.writeBooleanProperty("allow_sampling", true);
        out.writeBooleanProperty("allow_logprobs", false);
        out.writeBooleanProperty("allow_search_indices", false);
        out.writeBooleanProperty("allow_view", true);
        out.writeBooleanProperty("allow_fine_tuning", false);
        out.writeStringProperty("organization", "*");
        out.writeNullProperty("group");
        out.writeBooleanProperty("is_blocking", false);
        out.writeEndObject();
    }
}
