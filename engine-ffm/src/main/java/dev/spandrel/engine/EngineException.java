package dev.spandrel.engine;

import java.time.Duration;
import java.util.List;

/** Everything the engine refuses or fails at; each kind says whether the same call can succeed later. */
public abstract sealed class EngineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private EngineException(String message, Throwable cause) {
        super(message, cause);
    }

    /** Whether trying the same again later can help. */
    public abstract boolean retryable();

    /** The request itself is wrong; the message names what was found and what is allowed. */
    public static final class InvalidRequest extends EngineException {
        private static final long serialVersionUID = 1L;
        private final String parameter;

        public InvalidRequest(String parameter, String message) {
            super(message, null);
            this.parameter = parameter;
        }

        /** A value that breaks a rule; the message ends as vLLM's do. */
        public static InvalidRequest value(String parameter, String rule, Object value) {
            return new InvalidRequest(
                    parameter, rule + ", got " + value + ". (parameter=" + parameter + ", value=" + value + ")");
        }

        /** The parameter at fault, in the words of the OpenAI API. */
        public String parameter() {
            return parameter;
        }

        @Override
        public boolean retryable() {
            return false;
        }
    }

    /** No room to wait; try again after {@link #retryAfter}. */
    public static final class Rejected extends EngineException {
        private static final long serialVersionUID = 1L;
        private final transient Duration retryAfter;

        public Rejected(String message, Duration retryAfter) {
            super(message, null);
            this.retryAfter = retryAfter;
        }

        public Duration retryAfter() {
            return retryAfter;
        }

        @Override
        public boolean retryable() {
            return true;
        }
    }

    /** The engine is closing, closed, or its loop died. */
    public static final class Unavailable extends EngineException {
        private static final long serialVersionUID = 1L;

        public Unavailable(String message, Throwable cause) {
            super(message, cause);
        }

        @Override
        public boolean retryable() {
            return true;
        }
    }

    /** A step failed under this request. */
    public static final class StepFailed extends EngineException {
        private static final long serialVersionUID = 1L;

        public StepFailed(String message, Throwable cause) {
            super(message, cause);
        }

        @Override
        public boolean retryable() {
            return true;
        }
    }

    /** A folder that does not hold a model this engine runs; all that is wrong with it at once. */
    public static final class ModelLoad extends EngineException {
        private static final long serialVersionUID = 1L;
        private final transient List<String> problems;

        public ModelLoad(String model, List<String> problems) {
            super(message(model, problems), null);
            this.problems = List.copyOf(problems);
        }

        public ModelLoad(String model, String problem) {
            this(model, List.of(problem));
        }

        /** One line each, without the model's path. */
        public List<String> problems() {
            return problems;
        }

        @Override
        public boolean retryable() {
            return false;
        }

        private static String message(String model, List<String> problems) {
            return problems.size() == 1
                    ? "cannot load " + model + ": " + problems.getFirst()
                    : "cannot load " + model + ", " + problems.size() + " problems:\n  - "
                            + String.join("\n  - ", problems);
        }
    }
}
