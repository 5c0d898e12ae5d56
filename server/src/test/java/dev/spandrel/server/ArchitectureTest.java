package dev.spandrel.server;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The walls of this module, see docs/ARCHITECTURE.md. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.spandrel.server");

    @Test
    void theImporterReadsTheseClasses() {
        assertThat(CLASSES.contain(SpandrelServer.class)).isTrue();
    }

    @Test
    void onlyTelemetrySeesTheSdk() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.spandrel.server.telemetry..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.opentelemetry.sdk..")
                .check(CLASSES);
    }

    @Test
    void theApiKnowsNoOpenTelemetry() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.spandrel.server.openai..", "dev.spandrel.server.http..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.opentelemetry..", "dev.spandrel.server.telemetry..")
                .check(CLASSES);
    }

    @Test
    void httpKnowsNoEngine() {
        noClasses()
                .that()
                .resideInAPackage("dev.spandrel.server.http..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.spandrel.engine..", "dev.spandrel.server.openai..")
                .check(CLASSES);
    }

    @Test
    void onlyTheEnginesRootPackageIsUsed() {
        noClasses()
                .should()
                .dependOnClassesThat(
                        resideInAPackage("dev.spandrel.engine..").and(not(resideInAPackage("dev.spandrel.engine"))))
                .check(CLASSES);
    }

    @Test
    void theClientSpeaksOverTheWireOnly() {
        noClasses()
                .that()
                .resideInAPackage("dev.spandrel.server.client..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.spandrel.engine..", "dev.spandrel.server.openai..", "io.helidon..")
                .check(CLASSES);
    }

    @Test
    void noGenericExceptions() {
        NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS.check(CLASSES);
    }

    @Test
    void onlyMainEndsTheProcess() {
        noClasses()
                .that(not(simpleName("Main")))
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "halt", int.class)
                .check(CLASSES);
    }
}
