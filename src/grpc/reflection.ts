// Reflection, with the names that tools of other languages insist on. protobufjs calls the entries of a map field by the
// field's name alone (`Metadata`); protoc calls them `MetadataEntry`, and grpcurl refuses any other name.

import type { Server } from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import descriptor from "protobufjs/ext/descriptor/index.js";
import type { IDescriptorProto } from "protobufjs/ext/descriptor/index.js";

export function addReflection(server: Server, packageDefinition: PackageDefinition): void {
  const renamed = new Map<string, Buffer>();
  const rename = (file: Buffer): Buffer => {
    const key = file.toString("latin1");
    const known = renamed.get(key) ?? withProtocNames(file);
    renamed.set(key, known);
    return known;
  };
  const entries = Object.entries(packageDefinition).map(([name, definition]) => {
    const { fileDescriptorProtos } = definition as { readonly fileDescriptorProtos?: readonly Buffer[] };
    if (!fileDescriptorProtos) return [name, definition] as const;
    return [name, { ...definition, fileDescriptorProtos: fileDescriptorProtos.map(rename) }] as const;
  });
  new ReflectionService(Object.fromEntries(entries) as PackageDefinition).addToServer(server);
}

function withProtocNames(bytes: Buffer): Buffer {
  const file = descriptor.FileDescriptorProto.decode(bytes);
  const { messageType = [] } = file as unknown as { readonly messageType?: readonly IDescriptorProto[] };
  for (const message of messageType) nameMapEntries(message);
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish());
}

function nameMapEntries(message: IDescriptorProto): void {
  for (const nested of message.nestedType ?? []) {
    nameMapEntries(nested);
    if (nested.options?.mapEntry !== true) continue;
    const field = message.field?.find(({ typeName }) => typeName === nested.name);
    if (!field?.name) continue;
    nested.name = `${field.name.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
    field.typeName = nested.name;
  }
}
