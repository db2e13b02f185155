import "@lacuna/storage/opfs/worker";
