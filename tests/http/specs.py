# SPDX-License-Identifier: Apache-2.0
"""One small API in the three versions of OpenAPI, which all say the same."""

import copy

PET = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "description": "What it is called"},
        "age": {"type": "integer", "minimum": 0},
        "parent": {"$ref": "#/components/schemas/Pet"},
    },
}
THREE = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "1.2", "description": "All pets"},
    "servers": [{"url": "https://pets.example/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {
                "operationId": "getPet",
                "summary": "One pet",
                "description": "By its number",
                "parameters": [
                    {"$ref": "#/components/parameters/Fields"},
                    {"name": "X-Trace", "in": "header", "description": "For logs", "schema": {"type": "string"}},
                ],
                "responses": {
                    "404": {"description": "None"},
                    "200": {
                        "description": "The pet",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                    },
                },
            },
            "delete": {
                "operationId": "deletePet",
                "deprecated": True,
                "security": [],
                "responses": {"204": {"description": "Gone"}},
            },
        },
        "/pets": {
            "post": {
                "operationId": "addPet",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/xml": {"schema": {"type": "string"}},
                        "application/json": {"schema": {"$ref": "#/components/schemas/Pet"}},
                    },
                },
                "responses": {
                    "201": {
                        "description": "Made",
                        "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}},
                    }
                },
            },
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "parameters": {
            "Fields": {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}, "explode": False}
        },
        "schemas": {"Pet": PET},
    },
}  # fmt: skip


def three(version="3.0.3"):
    return copy.deepcopy(THREE) | {"openapi": version}


def two():
    """The same in the words of OpenAPI 2."""
    pet = copy.deepcopy(PET)
    pet["properties"]["parent"] = {"$ref": "#/definitions/Pet"}
    to_pet = {"$ref": "#/definitions/Pet"}
    return {
        "swagger": "2.0",
        "info": THREE["info"],
        "host": "pets.example",
        "basePath": "/v1",
        "schemes": ["http", "https"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "security": [{"key": []}],
        "securityDefinitions": THREE["components"]["securitySchemes"],
        "parameters": {"Fields": {"name": "fields", "in": "query", "type": "array", "items": {"type": "string"}}},
        "definitions": {"Pet": pet},
        "paths": {
            "/pets/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "type": "integer"}],
                "get": THREE["paths"]["/pets/{id}"]["get"]
                | {
                    "parameters": [
                        {"$ref": "#/parameters/Fields"},
                        {"name": "X-Trace", "in": "header", "description": "For logs", "type": "string"},
                    ],
                    "responses": {"404": {"description": "None"}, "200": {"description": "The pet", "schema": to_pet}},
                },
                "delete": THREE["paths"]["/pets/{id}"]["delete"],
            },
            "/pets": {
                "post": {
                    "operationId": "addPet",
                    "parameters": [{"name": "pet", "in": "body", "required": True, "schema": to_pet}],
                    "responses": {"201": {"description": "Made", "schema": {"type": "array", "items": to_pet}}},
                },
            },
        },
    }


def one(**operation):
    """A document with one operation, GET /."""
    responses = {"responses": {"200": {"description": ""}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": "https://one.example"}],
        "paths": {"/": {"get": responses | operation}},
    }


def answering(schema, **components):
    """A document whose one operation answers with this schema."""
    responses = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    return one(responses=responses) | {"components": {"schemas": components}}
