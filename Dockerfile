# The command with LibTorch for processors; docs/serving.md says how to run it.
#
#   docker build --tag labelproof .
#   docker run --publish 3000:3000 --volume "$PWD/artifacts/train/model:/model:ro" labelproof

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates curl g++ make python3 unzip && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /labelproof
COPY . .
# In an image nobody looks for a panic's line: without debug information the binaries are a fraction as large.
ENV CARGO_PROFILE_DEV_DEBUG=false CARGO_INCREMENTAL=0
RUN LIBTORCH_DEVICE=cpu scripts/setup-libtorch.sh && \
    cargo build --locked --bin labelproof --bin labelproof-torch && \
    strip target/debug/labelproof target/debug/labelproof-torch

FROM debian:bookworm-slim
RUN apt-get update && \
    apt-get install --yes --no-install-recommends libstdc++6 && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --user-group --no-create-home labelproof
# Where the binary looks for it.
COPY --from=build /labelproof/external/libtorch/lib/ /labelproof/external/libtorch/lib/
COPY --from=build /labelproof/target/debug/labelproof /labelproof/target/debug/labelproof-torch /usr/local/bin/
USER 10001
EXPOSE 3000
# Without a shell, so that the signal of `docker stop` reaches the server.
ENTRYPOINT ["labelproof", "serve", "--bundle", "/model", "--host", "0.0.0.0"]
