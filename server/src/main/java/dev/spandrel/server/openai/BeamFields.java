package dev.spandrel.server.openai;

/**
 * Whether choices come from a beam search, vLLM's extension of the API.
 *
 * @param on {@code n} choices by one search per prompt
 * @param lengthPenalty power of the length by which a beam's log probability is divided
 */
record BeamFields(boolean on, double lengthPenalty) {
    /**
     * Reads {@code use_beam_search}, which vLLM's own example sends as the string "true", and {@code length_penalty}.
     *
     * @throws OpenAiException 400 for a penalty without a search, or stop texts with one
     */
    static BeamFields read(RequestFields fields) {
        boolean on = fields.bool("use_beam_search", false);
        double penalty = fields.decimal("length_penalty").orElse(1);
        fields.check();
        if (!on && penalty != 1) {
            throw new OpenAiException(OpenAiError.unsupported(
                    "length_penalty",
                    "`length_penalty` is not supported by this server without beam search; leave it out."));
        }
        if (on) {
            UnsupportedFields.checkBeams(fields);
        }
        return new BeamFields(on, penalty);
    }
}
