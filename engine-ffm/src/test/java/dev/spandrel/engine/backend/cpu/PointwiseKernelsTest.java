package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class PointwiseKernelsTest {
    @Test
    void expIsWithinTwoUnitsInTheLastPlace() {
        for (float x = 0; x > -87; x -= 0.013f) {
            float found = exp(x);
            double expected = Math.exp(x);
            assertThat(Math.abs(found - expected)).as("e^%s", x).isLessThanOrEqualTo(2 * Math.ulp((float) expected));
        }
    }

    @Test
    void expOfTheLimits() {
        assertThat(exp(0)).isEqualTo(1);
        assertThat(exp(-88)).isZero();
        assertThat(exp(Float.NEGATIVE_INFINITY)).isZero();
    }

    private static float exp(float x) {
        return PointwiseKernels.exp(FloatVector.broadcast(VectorConstants.SPECIES, x))
                .lane(0);
    }
}
