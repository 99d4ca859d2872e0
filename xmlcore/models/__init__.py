"""Every architecture behind one protocol, `base.Classifier`; `registry` lists, builds and stores them."""
