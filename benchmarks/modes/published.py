"""What the papers report, in their settings: quoted, never measured here.

PacGAN (Lin et al. 2018, tables 1 and 3, https://arxiv.org/abs/1712.04086)
trains wider networks for 400,000 steps; VEEGAN (Srivastava et al. 2017,
https://arxiv.org/abs/1705.07761) has another setting of the same data; Unrolled
GAN (Metz et al. 2017, https://arxiv.org/abs/1611.02163) trains the stacked
digits' networks for 500,000. Modes, high quality in percent, reverse KL in
nats.
"""

# Method, source, ring (modes, high quality, KL), grid (the same).
PLANE = (
    ("GAN", "VEEGAN", ("1", "99.3", ""), ("3.3", "0.5", "")),
    ("ALI", "VEEGAN", ("2.8", "0.13", ""), ("15.8", "1.6", "")),
    ("Unrolled GAN", "VEEGAN", ("7.6", "35.6", ""), ("23.6", "16", "")),
    ("VEEGAN", "VEEGAN", ("8", "52.9", ""), ("24.6", "40", "")),
    (
        "GAN",
        "PacGAN",
        ("6.3 ± 0.5", "98.2 ± 0.2", "0.45 ± 0.09"),
        ("17.3 ± 0.8", "94.8 ± 0.7", "0.70 ± 0.07"),
    ),
    (
        "ALI",
        "PacGAN",
        ("6.6 ± 0.3", "97.6 ± 0.4", "0.36 ± 0.04"),
        ("24.1 ± 0.4", "95.7 ± 0.6", "0.14 ± 0.03"),
    ),
    (
        "PacGAN2",
        "PacGAN",
        ("7.9 ± 0.1", "95.6 ± 2.0", "0.07 ± 0.03"),
        ("23.8 ± 0.7", "91.3 ± 0.8", "0.13 ± 0.04"),
    ),
    (
        "PacGAN3",
        "PacGAN",
        ("7.8 ± 0.1", "97.7 ± 0.3", "0.10 ± 0.02"),
        ("24.6 ± 0.4", "94.2 ± 0.4", "0.06 ± 0.02"),
    ),
    (
        "PacGAN4",
        "PacGAN",
        ("7.8 ± 0.1", "95.9 ± 1.4", "0.07 ± 0.02"),
        ("24.8 ± 0.2", "93.6 ± 0.6", "0.04 ± 0.01"),
    ),
)

# Method, source, modes, KL; the discriminator is half the generator's size.
STACKED = (
    ("DCGAN", "Unrolled GAN", "628.0 ± 140.9", "2.58 ± 0.75"),
    ("Unrolled GAN, 1 step", "Unrolled GAN", "523.6 ± 55.8", "2.44 ± 0.26"),
    ("Unrolled GAN, 5 steps", "Unrolled GAN", "732.0 ± 45.0", "1.66 ± 0.09"),
    ("Unrolled GAN, 10 steps", "Unrolled GAN", "817.4 ± 37.9", "1.43 ± 0.12"),
    ("DCGAN", "PacGAN", "487.7 ± 34.6", "2.24 ± 0.15"),
    ("PacDCGAN2", "PacGAN", "840.7 ± 15.9", "1.00 ± 0.05"),
    ("PacDCGAN3", "PacGAN", "866.6 ± 12.1", "0.90 ± 0.04"),
    ("PacDCGAN4", "PacGAN", "820.2 ± 25.5", "1.15 ± 0.14"),
)
