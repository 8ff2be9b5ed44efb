// A gRPC client: `node grpc_client.mjs` starts a server in this process that is unavailable at first, and calls it.
//
// Look at the client's options: gRPC retries by itself, and only one place should. What is left of the policy's `timeout` goes along as each call's
// deadline, so that the server stops when the client does.
import grpc from "@grpc/grpc-js";
import { retryInterceptor } from "undaunted/adapters/grpc-js";

const text = { serialize: (value) => Buffer.from(value), deserialize: (bytes) => bytes.toString() };
const definition = { // what a .proto file would say
  hello: {
    path: "/greeter/hello", requestStream: false, responseStream: false,
    requestSerialize: text.serialize, requestDeserialize: text.deserialize, responseSerialize: text.serialize, responseDeserialize: text.deserialize,
  },
};

/** Unavailable twice, busy once and says for how long, then kind; never to nobody. */
const failures = [{}, {}, { "grpc-retry-pushback-ms": "30" }];
function hello({ request: name }, answer) {
  const failure = failures.shift();
  if (failure) {
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries(failure)) metadata.set(key, value);
    return answer({ code: grpc.status.UNAVAILABLE, details: "not now", metadata });
  }
  if (name === "nobody") return answer({ code: grpc.status.INVALID_ARGUMENT, details: "who?" });
  answer(null, `hello ${name}`);
}

const server = new grpc.Server();
server.addService(definition, { hello });
const port = await new Promise((resolve, reject) =>
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))));

const onRetry = ({ attempt, code }) => console.log("attempt", attempt, "failed with", code);
const Greeter = grpc.makeGenericClientConstructor(definition, "greeter");
const greeter = new Greeter(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
  interceptors: [retryInterceptor({ attempts: 4, timeout: "5s", initial: "20ms" }, { name: "greeter", onRetry })],
  "grpc.enable_retries": 0,
});
const greet = (name) =>
  new Promise((resolve, reject) => greeter.hello(name, (error, value) => (error ? reject(error) : resolve(value))));

console.log(await greet("Ada")); // hello Ada
const error = await greet("nobody").catch((error) => error);
console.log(error.code, error.details); // 3 who?
greeter.close();
server.forceShutdown();
