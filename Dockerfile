# The program alone: docker build -t braid . && docker run --rm braid generate
# -p "It was a". A model of your own: docker run -v MODELS:/models braid
# generate -m /models/FILE.
FROM debian:12 AS build
WORKDIR /src
COPY . .
RUN scripts/bootstrap --build \
 && cmake --preset release -DBRAID_TESTS=OFF -DBRAID_BENCH=OFF \
 && cmake --build --preset release --target braid \
 && cmake --install build/release --prefix /opt/braid

FROM debian:12-slim
# What the program links beside the C++ library.
RUN apt-get -qq update \
 && apt-get -qq install -y --no-install-recommends \
      libhwy1 libutf8proc2 libssl3 libsimdjson14 libxxhash0 libpcre2-8-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home braid
COPY --from=build /opt/braid /usr/local
USER braid
ENTRYPOINT ["braid"]
