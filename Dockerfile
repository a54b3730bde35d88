# The bridge as a container image. glibc is needed: the WebRTC engine is a native library built for it.
# scripts/container-dry-run.mjs reads this file and walks through its steps where no container daemon exists, so keep to
# COPY, RUN, ENV, ARG, WORKDIR, USER, EXPOSE, HEALTHCHECK, ENTRYPOINT and CMD, and to relative paths in RUN.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts ./scripts
RUN node scripts/ensure-installed.mjs
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:22-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
ENV PATH=/app/node_modules/.bin:$PATH
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY proto ./proto
RUN ln -s ../../dist/main.js node_modules/.bin/livekit-bridge && ln -s ../../dist/probe.js node_modules/.bin/livekit-bridge-probe
USER node
EXPOSE 9090
# The bridge needs up to 10 s to leave its rooms on SIGTERM; give a container at least 15 s to stop.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["livekit-bridge-probe"]
CMD ["node", "--enable-source-maps", "dist/main.js"]
