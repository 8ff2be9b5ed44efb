export default { turbopack: { root: process.env.HOSTS }, outputFileTracingRoot: process.env.HOSTS };
