// Command schemas turns what Kubernetes publishes about its objects into JSON schemas that refuse unknown fields, one file a
// kind, as kubeconform looks them up.
//
//	schemas OUT swagger FILE        the API server's api/openapi-spec/swagger.json
//	schemas OUT crd FOLDER ...      custom resource definitions, *.yaml
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

type object = map[string]any

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: schemas OUT swagger FILE | schemas OUT crd FOLDER ..."))
	}
	out := os.Args[1]
	fail(os.MkdirAll(out, 0o755))
	written := 0
	switch os.Args[2] {
	case "swagger":
		written = fromSwagger(out, os.Args[3])
	case "crd":
		for _, folder := range os.Args[3:] {
			written += fromDefinitions(out, folder)
		}
	default:
		fail(fmt.Errorf("expected swagger or crd, found %q", os.Args[2]))
	}
	if written == 0 {
		fail(fmt.Errorf("no schema found in %v", os.Args[3:]))
	}
	fmt.Printf("%d schemas in %s\n", written, out)
}

func fromSwagger(out, file string) int {
	var swagger object
	text, err := os.ReadFile(file)
	fail(err)
	fail(json.Unmarshal(text, &swagger))
	definitions := swagger["definitions"].(object)
	written := 0
	for _, definition := range definitions {
		kinds, _ := definition.(object)["x-kubernetes-group-version-kind"].([]any)
		// Shared shapes such as DeleteOptions name every group; only objects have one.
		if len(kinds) != 1 {
			continue
		}
		kind := kinds[0].(object)
		schema := strict(inline(definition, definitions, nil)).(object)
		write(out, kind["group"].(string), kind["version"].(string), kind["kind"].(string), schema)
		written++
	}
	return written
}

func fromDefinitions(out, folder string) int {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	fail(err)
	written := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		fail(err)
		for _, document := range strings.Split(string(text), "\n---") {
			var definition object
			fail(yaml.Unmarshal([]byte(document), &definition))
			if definition["kind"] != "CustomResourceDefinition" {
				continue
			}
			spec := definition["spec"].(object)
			kind := spec["names"].(object)["kind"].(string)
			for _, version := range spec["versions"].([]any) {
				schema, ok := version.(object)["schema"].(object)
				if !ok {
					continue
				}
				root := strict(schema["openAPIV3Schema"]).(object)
				// The API server checks an object's metadata itself.
				root["properties"].(object)["metadata"] = object{"type": "object"}
				write(out, spec["group"].(string), version.(object)["name"].(string), kind, root)
				written++
			}
		}
	}
	return written
}

// inline replaces references by what they name; a definition inside itself (JSONSchemaProps) becomes "anything".
func inline(node any, definitions object, open []string) any {
	switch value := node.(type) {
	case object:
		if reference, ok := value["$ref"].(string); ok {
			name := strings.TrimPrefix(reference, "#/definitions/")
			for _, outer := range open {
				if outer == name {
					return object{}
				}
			}
			return inline(definitions[name], definitions, append(append([]string{}, open...), name))
		}
		copied := object{}
		for key, child := range value {
			copied[key] = inline(child, definitions, open)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, child := range value {
			copied[i] = inline(child, definitions, open)
		}
		return copied
	}
	return node
}

// strict refuses fields that a schema does not name, and says "integer or string" in JSON schema's words.
func strict(node any) any {
	switch value := node.(type) {
	case object:
		for key, child := range value {
			value[key] = strict(child)
		}
		if value["format"] == "int-or-string" || value["x-kubernetes-int-or-string"] == true {
			return object{"type": []any{"integer", "string"}}
		}
		_, named := value["properties"].(object)
		_, more := value["additionalProperties"]
		if named && !more && value["x-kubernetes-preserve-unknown-fields"] != true {
			value["additionalProperties"] = false
		}
	case []any:
		for i, child := range value {
			value[i] = strict(child)
		}
	}
	return node
}

func write(out, group, version, kind string, schema object) {
	if group == "" {
		group = version // the core group has no name; its apiVersion is the version alone
	}
	name := kind + "-" + group + "_" + version
	text, err := json.Marshal(schema)
	fail(err)
	fail(os.WriteFile(filepath.Join(out, strings.ToLower(strings.ReplaceAll(name, "/", "_"))+".json"), text, 0o644))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}
