// The standard health service, as a load balancer asks it.

import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath } from "grpc-health-check";

interface HealthClient {
  Check(request: { service: string }, callback: (error: ServiceError | null, reply: { status: string }) => void): void;
  close(): void;
}

interface HealthPackage {
  grpc: {
    health: {
      v1: { Health: new (address: string, channel: ReturnType<typeof credentials.createInsecure>) => HealthClient };
    };
  };
}

const definition = loadPackageDefinition(loadSync(protoPath, { keepCase: true, enums: String, defaults: true }));

export function checkHealth(address: string, service = ""): Promise<string> {
  const { Health } = (definition as unknown as HealthPackage).grpc.health.v1;
  const client = new Health(address, credentials.createInsecure());
  return new Promise((done, failed) => {
    client.Check({ service }, (error, reply) => {
      client.close();
      if (error) failed(error);
      else done(reply.status);
    });
  });
}
