/* One ReLU model of 5 features in 2 dimensions, trained by Adam on fresh batches of 1024.
   Usage: floor N_STEPS DENSITY SEED; prints W (2 x 5, by rows) and b (5). */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5, M = 2, BATCH = 1024, LANES = 16, PARAMETERS = M * N + N };

static uint32_t state[LANES];

/* LANES generators (xorshift) side by side, so that the compiler can use vector registers. */
static void uniform(float *out) {
    for (int lane = 0; lane < LANES; lane++) {
        uint32_t s = state[lane];
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
        state[lane] = s;
        out[lane] = (float)(s >> 8) * (1.0f / 16777216.0f);
    }
}

static float normal(void) {
    float u[LANES];
    uniform(u);
    return sqrtf(-2.0f * logf(u[0] + 1e-7f)) * cosf(6.2831853f * u[1]);
}

int main(int count, char **argument) {
    if (count != 4) {
        fprintf(stderr, "usage: floor N_STEPS DENSITY SEED\n");
        return 2;
    }
    const int n_steps = atoi(argument[1]);
    const float density = (float)atof(argument[2]), rate = 1e-3f;
    for (int lane = 0; lane < LANES; lane++)
        state[lane] = 2654435761u * (uint32_t)(atoi(argument[3]) * LANES + lane + 1) + 1u;
    float skipped[LANES];
    for (int i = 0; i < 64; i++) uniform(skipped); /* xorshift starts slowly */

    float theta[PARAMETERS], first[PARAMETERS] = {0}, second[PARAMETERS] = {0};
    memset(theta, 0, sizeof theta);
    for (int i = 0; i < M * N; i++) theta[i] = sqrtf(2.0f / (N + M)) * normal();
    float *W = theta, *b = theta + M * N;

    for (int step = 1; step <= n_steps; step++) {
        float sum[PARAMETERS][LANES];
        memset(sum, 0, sizeof sum);
        for (int point = 0; point < BATCH; point += LANES) {
            float x[N][LANES], u[LANES], h[M][LANES], back[M][LANES], delta[N][LANES];
            for (int i = 0; i < N; i++) {
                /* One number serves twice: u < p says "active", and then u / p is U[0, 1]. */
                uniform(u);
                for (int l = 0; l < LANES; l++) x[i][l] = u[l] < density ? u[l] / density : 0.0f;
            }
            for (int k = 0; k < M; k++)
                for (int l = 0; l < LANES; l++) {
                    float total = 0.0f;
                    for (int i = 0; i < N; i++) total += W[k * N + i] * x[i][l];
                    h[k][l] = total;
                    back[k][l] = 0.0f;
                }
            for (int i = 0; i < N; i++)
                for (int l = 0; l < LANES; l++) {
                    float a = b[i];
                    for (int k = 0; k < M; k++) a += W[k * N + i] * h[k][l];
                    delta[i][l] = a > 0.0f ? (a - x[i][l]) * (2.0f / (BATCH * N)) : 0.0f;
                    sum[M * N + i][l] += delta[i][l];
                    for (int k = 0; k < M; k++) back[k][l] += W[k * N + i] * delta[i][l];
                }
            for (int k = 0; k < M; k++)
                for (int i = 0; i < N; i++)
                    for (int l = 0; l < LANES; l++)
                        sum[k * N + i][l] += h[k][l] * delta[i][l] + back[k][l] * x[i][l];
        }
        const float warm1 = 1.0f - powf(0.9f, (float)step);
        const float warm2 = 1.0f - powf(0.999f, (float)step);
        for (int i = 0; i < PARAMETERS; i++) {
            float slope = 0.0f;
            for (int l = 0; l < LANES; l++) slope += sum[i][l];
            first[i] += 0.1f * (slope - first[i]);
            second[i] += 0.001f * (slope * slope - second[i]);
            theta[i] -= rate * (first[i] / warm1) / (sqrtf(second[i] / warm2) + 1e-8f);
        }
    }
    for (int i = 0; i < PARAMETERS; i++) printf("%.9g ", theta[i]);
    printf("\n");
    return 0;
}
